"""ecm-pay contract and ecm-pay run --contract from the outside."""
import csv
import os
import pathlib
import subprocess
import tarfile

import pytest

PAY = pathlib.Path(os.environ["ECM_BIN"]) / "ecm-pay"
SOURCE = pathlib.Path(os.environ["ECM_SOURCE"])
DATA = SOURCE / "tests" / "data"
PRESETS = SOURCE / "docs" / "examples" / "contracts"
EDGES = sorted(p.name for p in (DATA / "edge").iterdir())


def call(*arguments, status=0):
    done = subprocess.run([PAY, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run(folder, out, *more, number=2, status=0):
    asof = table(folder / "period.csv")[0][f"run{number}_asof_utc"]
    return call("run", "--from", folder, "--as-of", asof, "--out", out, *more, status=status)


@pytest.fixture(scope="session", name="week")
def unpacked_week(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    with tarfile.open(DATA / "reference" / "week.tar.xz") as archive:
        archive.extractall(folder)
    return folder / "week"


def lines(out, model):
    """What is paid, line by line, without the model's letter and what C leaves out."""
    return sorted((r["provider_id"], r["funder"], r["person_id"], r["week"] or "0",
                   r["pence_per_hour"], r["kind"], r["pence"])
                  for r in table(out / "lines.csv") if r["model"] == model)


def assert_preset_pays_as_its_model(folder, out, model, number=2):
    preset = PRESETS / f"model-{model.lower()}.contract"
    run(folder, out, "--models", model, "--contract", preset, number=number)
    assert lines(out, "K") == lines(out, model)


@pytest.mark.parametrize("model", ["A", "B", "C"])
def test_preset_pays_the_week_line_by_line_as_its_model(week, tmp_path, model):
    assert_preset_pays_as_its_model(week, tmp_path, model)
    pence = {"A": 27480414, "B": 26872706, "C": 29111716}
    assert sum(int(r["pence"]) for r in table(tmp_path / "contract_lines.csv")) == pence[model]


@pytest.mark.parametrize("model", ["A", "B", "C"])
@pytest.mark.parametrize("name", EDGES)
def test_preset_pays_each_edge_case_as_its_model(tmp_path, name, model):
    assert_preset_pays_as_its_model(DATA / "edge" / name, tmp_path, model)


def test_every_planned_second_of_every_provider_is_accounted_for(week, tmp_path):
    run(week, tmp_path)
    rows = table(tmp_path / "identity.csv")
    assert {r["model"] for r in rows} == {"A", "B", "C"}
    planned = sum((int(r["planned_end_utc"]) - int(r["planned_start_utc"]))
                  for r in table(tmp_path / "slots.csv"))
    for model in "ABC":
        mine = [r for r in rows if r["model"] == model]
        assert sum(int(r["planned_s"]) for r in mine) == planned
        for row in mine:
            parts = ["paid_s", "held_s", "missed_s", "cancelled_s", "difference_s"]
            assert int(row["planned_s"]) == sum(int(row[part]) for part in parts), row
    parts = {"HELD_NO_OUT": "held_s", "HELD_NO_IN": "held_s", "MISSED": "missed_s",
             "SAME_CARER": "missed_s", "CANC_NOTICE": "cancelled_s"}
    expected = {part: 0 for part in parts.values()}
    for slot in table(tmp_path / "slots.csv"):
        if slot["status"] in parts:
            expected[parts[slot["status"]]] += \
                int(slot["planned_end_utc"]) - int(slot["planned_start_utc"])
    assert expected == {part: sum(int(r[part]) for r in rows if r["model"] == "A")
                        for part in expected}
    paid = sum(int(r["units"]) * 900 for r in table(tmp_path / "payA.csv"))
    assert sum(int(r["paid_s"]) for r in rows if r["model"] == "A") == paid


def test_try_says_every_step(tmp_path):
    said = call("contract", "try", PRESETS / "model-a.contract", "--planned", "09:00-12:30",
                "--actual", "08:57-12:35", "--rate", "16.00")
    assert "source       218 min" in said
    assert "rounding     218 min -> 225 min" in said
    assert "visit cap    225 min -> 210 min" in said
    assert "£56.00" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("day,hours", [("2026-03-28", "11:00:00"), ("2026-10-24", "13:00:00")])
def test_try_knows_the_nights_when_the_clocks_change(tmp_path, day, hours):
    file = tmp_path / "exact.contract"
    file.write_text("[contract]\nid = X\nvalid_from = 2020-01-01\n")
    said = call("contract", "try", file, "--planned", "22:00-10:00", "--actual", "22:00-10:00",
                "--day", day)
    assert f"carer time   {hours} h" in said


def test_every_problem_of_a_file_is_named_at_once(tmp_path):
    file = tmp_path / "bad.contract"
    file.write_text("[contract]\nversion = 0\nvalid_from = 2020-02-30\n[time]\nsource = guess\n"
                    "[price]\nweekday = bands 30:10.00 15:5.00\n[colour]\nof = hair\n"
                    "[cancellation]\nbands = 24h:0\n")
    said = call("contract", "check", file, status=2)
    assert said.count("\n") == 7, said
    for part in ["contract.version: '0' is below the minimum 1",
                 "contract.id: is missing; permitted: 1 to 32 characters",
                 "contract.valid_from: is not a date; permitted: YYYY-MM-DD",
                 "time.source: 'guess' is none of planned actual capped",
                 "price.weekday: cannot be read; permitted: rate",
                 "colour.of: 'hair' is set, but there is no such key",
                 "cancellation.bands: cannot be read; permitted: HOURSh:PERCENT"]:
        assert part in said, said
    assert all(line.startswith(str(file)) for line in said.splitlines())


def test_a_refused_contract_leaves_nothing_behind(tmp_path):
    file = tmp_path / "bad.contract"
    file.write_text("[contract]\nid = X\n")
    run(DATA / "reference" / "tiny", tmp_path / "out", "--contract", file, status=2)
    assert not (tmp_path / "out").exists()


def test_a_contract_that_begins_within_the_period_is_refused(tmp_path):
    file = tmp_path / "late.contract"
    file.write_text("[contract]\nid = X\nvalid_from = 2099-01-01\n")
    said = run(DATA / "reference" / "tiny", tmp_path / "out", "--contract", file, status=2)
    assert "contract X/1 does not hold throughout the period" in said


def test_the_contract_is_part_of_what_a_run_is(tmp_path):
    folder = DATA / "reference" / "tiny"
    file = tmp_path / "x.contract"
    file.write_text("[contract]\nid = X\nvalid_from = 2018-01-01\n")
    plain = run(folder, tmp_path / "a")
    first = run(folder, tmp_path / "b", "--contract", file)
    again = run(folder, tmp_path / "c", "--contract", file)
    file.write_text(file.read_text() + "[tolerance]\nminutes = 5\n")
    other = run(folder, tmp_path / "d", "--contract", file)
    assert first == again
    assert len({plain, first, other}) == 3
    for one in (tmp_path / "b").iterdir():
        assert one.read_bytes() == (tmp_path / "c" / one.name).read_bytes(), one.name


def test_visits_outside_the_tolerance_are_parked_and_held(tmp_path):
    file = tmp_path / "x.contract"
    file.write_text("[contract]\nid = X\nvalid_from = 2018-01-01\n[tolerance]\nminutes = 5\n")
    run(DATA / "reference" / "tiny", tmp_path, "--models", "A", "--contract", file)
    worked = {(r["visit_id"], r["slot"]): int(r["worked_s"] or 0)
              for r in table(tmp_path / "slots.csv")}
    parked = 0
    for row in table(tmp_path / "contract_slots.csv"):
        if row["status"] != "OK":
            continue
        off = abs(worked[row["visit_id"], row["slot"]] - int(row["planned_s"]))
        assert (row["outcome"] == "PARKED") == (off > 300), row
        assert row["outcome"] == "PAID" or row["paid_s"] == "0"
        parked += row["outcome"] == "PARKED"
    assert parked > 0


def test_after_the_cut_off_nothing_more_counts(tmp_path):
    folder = DATA / "reference" / "tiny"
    file = tmp_path / "x.contract"
    file.write_text("[contract]\nid = X\nvalid_from = 2018-01-01\n[cut_off]\ndays = 1\n")
    end = int(table(folder / "period.csv")[0]["end_utc"])
    late = call("run", "--from", folder, "--as-of", end + 9000000, "--out", tmp_path / "a",
                "--contract", file)
    on_time = call("run", "--from", folder, "--as-of", end + 86400, "--out", tmp_path / "b",
                   "--contract", file)
    assert late == on_time


def contract(tmp_path, *sections):
    file = tmp_path / "x.contract"
    file.write_text("[contract]\nid = X\nvalid_from = 2018-01-01\n" + "\n".join(sections) + "\n")
    return file


def by_person(rows, column):
    sums = {}
    for row in rows:
        sums[row["person_id"]] = sums.get(row["person_id"], 0) + int(row[column])
    return {person: amount for person, amount in sums.items() if amount != 0}


def assert_accounted_for(out):
    rows = [r for r in table(out / "identity.csv") if r["model"] == "contract X"]
    paid = sum(int(r["seconds"]) for r in table(out / "contract_lines.csv"))
    assert sum(int(r["paid_s"]) for r in rows) == paid


def test_what_rounding_took_is_paid_in_whole_units_of_the_period(tmp_path):
    file = contract(tmp_path, "[rounding]\nunit_min = 15\ndirection = down", "[visit]",
                    "cap_percent = 100", "[carry_over]\nscope = month")
    run(DATA / "reference" / "tiny", tmp_path, "--contract", file)
    slots = table(tmp_path / "contract_slots.csv")
    assert all(0 <= int(r["lost_s"]) < 900 for r in slots)
    expected = by_person(slots, "paid_s")
    for person, lost in by_person(slots, "lost_s").items():
        expected[person] = expected.get(person, 0) + lost // 900 * 900
    assert by_person(table(tmp_path / "contract_lines.csv"), "seconds") == expected
    assert expected != by_person(slots, "paid_s")
    assert_accounted_for(tmp_path)


def test_an_envelope_with_top_up_pays_what_was_worked_up_to_what_was_planned(tmp_path):
    file = contract(tmp_path, "[visit]\ncap_percent = 100")
    run(DATA / "reference" / "tiny", tmp_path / "plain", "--contract", file)
    file = contract(tmp_path, "[visit]\ncap_percent = 100",
                    "[envelope]\nscope = week\ntop_up = yes")
    run(DATA / "reference" / "tiny", tmp_path / "topped", "--contract", file)
    plain = table(tmp_path / "plain" / "contract_slots.csv")
    capped, excess = by_person(plain, "paid_s"), by_person(plain, "excess_s")
    planned = by_person([r for r in plain if r["outcome"] != "CANCELLED"], "planned_s")
    expected = {p: min(paid + excess.get(p, 0), planned[p]) for p, paid in capped.items()}
    assert by_person(table(tmp_path / "topped" / "contract_lines.csv"), "seconds") == expected
    assert expected != capped
    assert_accounted_for(tmp_path / "topped")


def test_a_small_envelope_is_never_overdrawn(tmp_path):
    file = contract(tmp_path, "[envelope]\nscope = period\nminutes = 200")
    run(DATA / "reference" / "tiny", tmp_path, "--contract", file)
    paid = by_person(table(tmp_path / "contract_lines.csv"), "seconds")
    assert max(paid.values()) == 200 * 60
    assert_accounted_for(tmp_path)


def test_bands_price_each_visit_and_a_line_is_their_sum(tmp_path):
    file = contract(tmp_path, "[price]\nweekday = bands 15:5.00 30:10.00 45:15.00 60:20.00")
    run(DATA / "reference" / "tiny", tmp_path, "--contract", file)
    expected = {}
    for row in table(tmp_path / "contract_slots.csv"):
        quarters = -(-int(row["paid_s"]) // 900)
        expected[row["person_id"]] = expected.get(row["person_id"], 0) + quarters * 500
    lines_found = table(tmp_path / "contract_lines.csv")
    assert by_person(lines_found, "pence") == {p: v for p, v in expected.items() if v}
    assert {r["pence_per_hour"] for r in lines_found} == {"0"}
    assert_accounted_for(tmp_path)


def test_sundays_have_their_own_price(tmp_path):
    file = contract(tmp_path, "[price]\nweekday = rate\nsunday = rate 150%")
    run(DATA / "reference" / "tiny", tmp_path, "--contract", file)
    start = {r["visit_id"]: int(r["planned_start_utc"]) for r in table(tmp_path / "slots.csv")}
    rates = {(r["provider_id"], r["funder"]): int(r["pence_per_hour"])
             for r in table(DATA / "reference" / "tiny" / "rates.csv")}
    sunday = int(table(DATA / "reference" / "tiny" / "period.csv")[0]["end_utc"]) - 86400
    worked = {True: 0, False: 0}
    for row in table(tmp_path / "contract_slots.csv"):
        worked[start[row["visit_id"]] >= sunday - 3600] += int(row["paid_s"])
    found = {True: 0, False: 0}
    for row in table(tmp_path / "contract_lines.csv"):
        rate = rates[row["provider_id"], row["funder"]]
        assert int(row["pence_per_hour"]) in (rate, (rate * 3 + 1) // 2)
        found[int(row["pence_per_hour"]) != rate] += int(row["seconds"])
    assert found == worked and worked[True] > 0
