"""ecm-pay explain: a visit, a tap, a line; the words and the JSON say the same."""
import csv
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

PAY = pathlib.Path(os.environ["ECM_BIN"]) / "ecm-pay"
SOURCE = pathlib.Path(os.environ["ECM_SOURCE"])
TINY = SOURCE / "tests" / "data" / "reference" / "tiny"
EDGE = SOURCE / "tests" / "data" / "edge"
sys.path.insert(0, str(SOURCE / "tests" / "reference"))
import datasets  # noqa: E402  pylint: disable=wrong-import-position


def explain(*arguments, folder=TINY):
    with open(folder / "period.csv", encoding="utf-8", newline="") as file:
        asof = next(csv.DictReader(file))["run2_asof_utc"]
    return subprocess.run([PAY, "explain", "--as-of", asof, "--from", folder,
                           *map(str, arguments)], capture_output=True, text=True, check=False)


def words(*arguments, folder=TINY):
    done = explain(*arguments, folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def parsed(*arguments, folder=TINY):
    return json.loads(words("--json", *arguments, folder=folder))


def refused(*arguments):
    done = explain(*arguments)
    assert done.returncode == 2 and done.stdout == ""
    return done.stderr.splitlines()[0]


def table(name, folder=TINY / "run2"):
    with open(folder / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def visit_with(status):
    return next(row["visit_id"] for row in table("slots.csv") if row["status"] == status)


@pytest.mark.parametrize("status", sorted({row["status"] for row in table("slots.csv")}))
def test_json_of_a_visit_has_the_row_of_the_run_and_every_number_of_the_words(status):
    visit = visit_with(status)
    said, made = words(visit), parsed(visit)
    assert (made["explains"], made["period_id"]) == ("slot", "R1")
    rows = {int(r["slot"]): r for r in table("slots.csv") if r["visit_id"] == visit}
    assert [slot["slot"] for slot in made["slots"]] == sorted(rows)
    for slot in made["slots"]:
        row, match, there = rows[slot["slot"]], slot["match"], slot["attendance"]
        assert (slot["status"], slot["units"]) == (row["status"], int(row["unitsA"]))
        if there:
            assert [str(match[k]) for k in ("cost", "ds", "dd", "pc", "pi")] == [
                row[k] for k in ("cost", "ds", "dd", "pc", "pi")]
            assert (there["carer_id"], str(there["worked_s"])) == (row["carer_id"], row["worked_s"])
            assert f"cost {match['cost']} = {match['ds']} off" in said
            assert f"would cost {slot['runner_up']['extra_cost']} more" in said
        for flag, seconds in slot["flags"].items():
            assert f"{flag} ({seconds} s)" in said
        assert f"{slot['units']} of {slot['planned_units']} units" in said
        assert f"£{slot['pence'] // 100}.{slot['pence'] % 100:02}" in said
        assert (slot["nearest"] is not None) == (status == "MISSED")
        assert (slot["cancelled"] is not None) == status.startswith("CANC")


def half_up(n, d):
    return (2 * n + d) // (2 * d)


@pytest.mark.parametrize("model", "ABC")
def test_every_line_is_made_of_its_parts_and_rounded_once(model):
    lines = parsed("--line", model)["lines"]
    rows = table(f"pay{model}.csv")
    column = {"A": "units", "B": "minutes", "C": "minutes"}[model]
    assert [(str(l["quantity"]), str(l["pence"])) for l in lines] == [
        (r[column], r["pence"]) for r in rows]
    for line in lines:
        assert line["pence"] == half_up(line["amount"], line["divisor"])
        assert line["amount"] == line["quantity"] * line["pence_per_hour"]
        assert line["remainder"] == line["amount"] % line["divisor"]
        slots = [p["quantity"] for p in line["parts"] if p["of"]]
        assert line["sum"] == sum(slots)
        if model == "A":
            assert line["quantity"] == line["sum"]
        elif model == "B":
            delivered = [p["quantity"] for p in line["parts"] if not p["of"]]
            assert (sum(slots), sum(delivered)) == (line["planned_s"], line["delivered_s"])
            assert line["quantity"] == half_up(line["paid_s"], 60)
        elif line["kind"] == "GUARANTEE":
            assert line["quantity"] == line["floor_min"] - line["base_min"]
        elif line["kind"] == "CAPPED":
            assert 0 <= line["quantity"] - line["share_min"] <= 1
        else:
            assert line["quantity"] == line["sum"]


@pytest.mark.parametrize("seed", range(6))
def test_an_envelope_of_a_random_period_of_several_weeks_is_made_of_its_own_week(seed, tmp_path):
    (period, *_), *_ = datasets.make(tmp_path, seed)
    done = explain("--json", "--line", "B", "--period", period, folder=tmp_path)
    for line in json.loads(done.stdout)["lines"] if done.returncode == 0 else []:
        assert line["delivered_s"] == sum(p["quantity"] for p in line["parts"] if not p["of"])
        assert line["planned_s"] == sum(p["quantity"] for p in line["parts"] if p["of"])


def test_a_row_of_lines_csv_finds_its_line_and_the_words_add_up():
    row = table("payA.csv")[0]
    line = ",".join(["A", row["provider_id"], row["funder"], row["person_id"], row["week"],
                     row["pence_per_hour"], "", row["pence"]])
    said = words("--line", line)
    assert said.count("Line ") == 1
    assert sum(map(int, re.findall(r": (\d+) units", said))) == int(row["units"])
    assert f"{row['units']} x {row['pence_per_hour']} / 4 = " in said


def test_a_dropped_tap_says_by_which_rule():
    bounce = next(r["ref"] for r in table("exceptions.csv") if r["code"] == "BOUNCE")
    assert "BOUNCE: the same tap once more within two minutes" in words(bounce)
    made = parsed(bounce)["taps"][0]
    assert [e["code"] for e in made["exceptions"]] == ["BOUNCE"]
    assert (made["place"], made["attendance"]) == ("none", None)


def test_a_tap_inside_a_merged_attendance_is_part_of_it():
    folder = EDGE / "15_merged"
    taps = [parsed(row["event_id"], folder=folder)["taps"][0]
            for row in table("events.csv", folder)]
    assert [tap["place"] for tap in taps] == ["in", "between", "between", "out"]
    assert len({tap["attendance"]["attendance_id"] for tap in taps}) == 1
    assert taps[0]["attendance"]["matched"]["slot"] == 1


def test_a_copy_that_counts_and_one_that_does_not_are_told_apart():
    folder = EDGE / "08_dup_id"
    ids = [row["event_id"] for row in table("events.csv", folder)]
    often = next(i for i in ids if ids.count(i) > 1)
    made = parsed(often, folder=folder)["taps"][0]
    assert [copy["counts"] for copy in made["copies"]] == [True] + [False] * (ids.count(often) - 1)
    assert made["exceptions"][0]["code"] in ("DUP_ID", "CONFLICT_ID")


def test_an_unplanned_attendance_says_what_was_nearest():
    row = table("unplanned.csv")[0]
    session = next(r for r in table("sessions.csv")
                   if (r["person_id"], r["in_utc"]) == (row["person_id"], row["in_utc"]))
    assert "unplanned" in words(session["in_id"])
    one = parsed(session["in_id"])["taps"][0]["attendance"]
    assert one["is_unplanned"] and one["nearest"]["reach"] in ("taken", "too_far", "too_dear")


def test_what_is_not_there_is_named():
    assert refused("V9") == "ecm-pay: there is no visit and no tap 'V9' in period R1"
    assert refused("--line", "A,P77") == "ecm-pay: no line of period R1 fits 'A,P77'"
    assert refused("--line", "X").startswith("ecm-pay: --line: 'X' is not a model")
    assert refused("--line", "A,,,,first").endswith("--line: week: 'first' is not a whole number")
    assert refused("--line", "K").startswith("ecm-pay: --line: the lines of a contract (model K)")
    assert "say what to explain" in refused()


def keys(value):
    if isinstance(value, dict):
        yield from value
        for one in value.values():
            yield from keys(one)
    elif isinstance(value, list):
        for one in value:
            yield from keys(one)


def test_every_name_in_the_json_is_documented():
    documented = set(re.findall(r"`(\w+)`", (SOURCE / "docs" / "RECONCILIATION.md").read_text()))
    event = table("events.csv", TINY)[0]["event_id"]
    found = set()
    for what in ([visit_with("MISSED")], [visit_with("CANC_SHORT")], [visit_with("OK")], [event],
                 ["A000001"], ["--line", ","]):
        found |= set(keys(parsed(*what)))
    assert found - documented == set()
