#!/usr/bin/env python3
"""repairs.py - what forgotten taps and visits back to back cost, without and with the repairs.

Makes weeks whose true presence is known (week.py), forgets taps, has the gateway's rule decide which
are arriving and which leaving, lets ecm-pay pay the week and compares every visit with what the truth
should have been paid. Prints a table in Markdown; --tsv for machines.

Needs ECM_BIN (the folder of ecm-pay) and ECM_TEST_BIN (that of repairs_kinds), or --build DIR.
"""
import argparse
import csv
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import week  # noqa: E402

UNIT_S, STARTS_S = 900, 450
FORGETTING = [0.01, 0.03, 0.10]
LIMITS_H = [4, 14]
OPTIONS = ["none", "direction:pay", "leaving:pay", "arrival:pay", "boundary:pay", "all:hold", "all:pay"]
HELD = ("HELD_NO_OUT", "HELD_NO_IN", "HELD_REPAIR")


def half_up(n, d):
    return (2 * n + d) // (2 * d)


def units(worked_s, length_s):
    return min((worked_s + UNIT_S - STARTS_S) // UNIT_S, length_s // UNIT_S)


class Truth:
    """What each visit should have been paid, from who was really there."""

    def __init__(self, homes):
        self.visits = {}
        self.weeks = {}
        for home in homes:
            planned_s = worked_s = 0
            for visit in home.visits:
                self.visits[visit.visit_id] = visit
                planned_s += (visit.end - visit.start) * len(visit.carers)
                worked_s += sum(end - begin for _, begin, end in visit.there)
            paid_s = min(worked_s + home.unplanned_s, planned_s)
            rate = week.RATES[home.provider, home.funder]
            self.weeks[home.person] = half_up(half_up(paid_s, 60) * rate, 60)

    def of_slots(self, visit_id, carers):
        """For each slot's carer (or "") how long that carer was there; who is left over fills gaps."""
        visit = self.visits[visit_id]
        there = {carer: end - begin for carer, begin, end in visit.there}
        found = [there.pop(carer, None) if carer else None for carer in carers]
        left = sorted(there.values(), reverse=True)
        for i, carer in enumerate(carers):
            if found[i] is None and not carer and left:
                found[i] = left.pop(0)
        for i in range(len(found)):  # somebody was there, though not who the slot says
            if found[i] is None and left:
                found[i] = left.pop(0)
        return [0 if seconds is None else seconds for seconds in found]


def empty():
    return dict.fromkeys(
        ["slots", "right", "held", "wrong", "over_min", "under_min", "held_min", "a_over_p",
         "a_under_p", "a_held_p", "b_over_p", "b_under_p", "c_over_p", "c_under_p", "worked_wrong_min",
         "repaired_paid", "repaired_right", "repaired_over", "repaired_under", "repaired_held"], 0)


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def count_slot(sums, slot, true_s, repaired, rate):
    length_s = int(slot["planned_end_utc"]) - int(slot["planned_start_utc"])
    should, paid = units(true_s, length_s), int(slot["unitsA"])
    is_held = slot["status"] in HELD
    minutes = (paid - should) * UNIT_S // 60
    sums["slots"] += 1
    if is_held:
        sums["held"] += 1
        sums["held_min"] += should * UNIT_S // 60
        sums["a_held_p"] += half_up(should * rate, 4)
    elif paid == should:
        sums["right"] += 1
    else:
        sums["wrong"] += 1
        sums["over_min" if minutes > 0 else "under_min"] += abs(minutes)
        sums["a_over_p" if minutes > 0 else "a_under_p"] += half_up(abs(paid - should) * rate, 4)
    if slot["status"] == "OK":
        sums["worked_wrong_min"] += abs(int(slot["worked_s"]) - true_s) // 60
    in_c = length_s // 60 if slot["status"] == "OK" or is_held else 0
    should_c = length_s // 60 if true_s > 0 else 0
    sums["c_over_p" if in_c > should_c else "c_under_p"] += half_up(abs(in_c - should_c) * rate, 60)
    if repaired == "paid" and not is_held:
        sums["repaired_paid"] += 1
        sums["repaired_right" if paid == should else
             "repaired_over" if paid > should else "repaired_under"] += 1
    elif repaired is not None:
        sums["repaired_held"] += 1


def compare(folder, truth):
    """One run of ecm-pay against the truth."""
    sums = empty()
    repaired = {}
    if (folder / "repairs.csv").exists():
        for row in rows_of(folder / "repairs.csv"):
            key = row["visit_id"], row["slot"]
            repaired[key] = "held" if "held" in (row["decision"], repaired.get(key)) else "paid"
    by_visit = {}
    for slot in rows_of(folder / "slots.csv"):
        by_visit.setdefault(slot["visit_id"], []).append(slot)
    for visit_id, slots in by_visit.items():
        home = truth.visits[visit_id].home
        seconds = truth.of_slots(visit_id, [slot["carer_id"] for slot in slots])
        for slot, true_s in zip(slots, seconds):
            count_slot(sums, slot, true_s, repaired.get((visit_id, slot["slot"])),
                       week.RATES[home.provider, home.funder])
    paid_b = {row["person_id"]: int(row["pence"]) for row in rows_of(folder / "payB.csv")}
    for person, should in truth.weeks.items():
        off = paid_b.get(person, 0) - should
        sums["b_over_p" if off > 0 else "b_under_p"] += abs(off)
    return sums


def run(tools, data, out, option):
    subprocess.run([tools["ecm-pay"], "run", "--from", data, "--as-of", str(week.AS_OF), "--models",
                    "A,B,C", "--repairs", option, "--out", out], check=True, capture_output=True)


def measure(tools, folder, homes, seed, limit_h, forget, options):
    """{option: sums} of one week."""
    truth = Truth(homes)
    taps = week.remember(homes, seed, forget, forget / 2)
    data = folder / f"data-{seed}-{limit_h}-{forget}"
    week.write(data, homes, taps, week.decide_kinds(taps, limit_h, tools["repairs_kinds"]))
    found = {}
    for option in options:
        out = folder / f"out-{seed}-{limit_h}-{forget}-{option}"
        run(tools, data, out, option)
        found[option] = compare(out, truth)
    return found


def tools_of(build):
    binaries = pathlib.Path(build) / "bin" if build else pathlib.Path(os.environ["ECM_BIN"])
    tests = pathlib.Path(build) / "tests/bin" if build else pathlib.Path(os.environ["ECM_TEST_BIN"])
    return {"ecm-pay": binaries / "ecm-pay", "repairs_kinds": tests / "repairs_kinds"}


def add(sums, more):
    for key, value in more.items():
        sums[key] += value


def pounds(pence):
    return f"{half_up(pence, 100):,}"


def print_row(limit_h, forget, option, s, is_tsv):
    precision = 1000 * s["repaired_right"] // s["repaired_paid"] / 10 if s["repaired_paid"] else None
    if is_tsv:
        print("\t".join(map(str, [limit_h, forget, option, *s.values()])), flush=True)
        return
    print(f"| {limit_h} h | {100 * forget:.0f} % | {option} | {s['right']} | {s['held']} | {s['wrong']} "
          f"| {s['over_min']} / {s['under_min']} | {pounds(s['a_over_p'])} / {pounds(s['a_under_p'])} "
          f"/ {pounds(s['a_held_p'])} | {pounds(s['b_over_p'])} / {pounds(s['b_under_p'])} "
          f"| {pounds(s['c_over_p'])} / {pounds(s['c_under_p'])} | {s['worked_wrong_min']} "
          f"| {s['repaired_paid']} / {s['repaired_held']} | "
          f"{'' if precision is None else f'{precision} %'} |", flush=True)


def print_header(is_tsv):
    if is_tsv:
        print("\t".join(["limit_h", "forget", "option", *empty()]))
        return
    print("| limit | forgotten | repairs | right | held | wrong | A min over / under | "
          "A £ over / under / held | B £ over / under | C £ over / under | worked min off | "
          "repaired paid / held | of those paid right |")
    print("|" + "---|" * 13)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", metavar="DIR", help="a build folder with bin and tests/bin")
    parser.add_argument("--homes", type=int, default=120)
    parser.add_argument("--seeds", type=int, default=5, help="how many weeks (default: 5)")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--back-to-back", type=float, default=0.2, metavar="SHARE",
                        help="of visits with another right behind them (default: 0.2)")
    parser.add_argument("--forgetting", default=" ".join(map(str, FORGETTING)), metavar="SHARES",
                        help="of taps on leaving that are forgotten; half as many on arriving")
    parser.add_argument("--options", default=" ".join(OPTIONS), help="values of --repairs to compare")
    parser.add_argument("--keep", metavar="DIR", help="leave data and results there")
    parser.add_argument("--tsv", action="store_true")
    args = parser.parse_args()
    tools = tools_of(args.build)
    options = args.options.split()
    print_header(args.tsv)
    with tempfile.TemporaryDirectory(prefix="ecm-repairs-") as temporary:
        folder = pathlib.Path(args.keep or temporary)
        for limit_h in LIMITS_H:
            for forget in map(float, args.forgetting.split()):
                sums = {option: empty() for option in options}
                for seed in range(args.first_seed, args.first_seed + args.seeds):
                    homes = week.make(args.homes, seed, args.back_to_back)
                    found = measure(tools, folder, homes, seed, limit_h, forget, options)
                    for option in options:
                        add(sums[option], found[option])
                for option in options:
                    print_row(limit_h, forget, option, sums[option], args.tsv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
