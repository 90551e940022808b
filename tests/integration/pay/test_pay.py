"""ecm-pay from the outside: the reference results, the edge cases, the store, bad input."""
import csv
import json
import os
import pathlib
import shutil
import subprocess
import tarfile

import pytest

PAY = pathlib.Path(os.environ["ECM_BIN"]) / "ecm-pay"
DATA = pathlib.Path(os.environ["ECM_SOURCE"]) / "tests" / "data"
FILES = ["exceptions.csv", "payA.csv", "payB.csv", "payC.csv", "sessions.csv", "slots.csv",
         "unplanned.csv"]
EDGES = sorted(p.name for p in (DATA / "edge").iterdir())


def pay(*arguments):
    """Run ecm-pay and return what it said on standard output; it must succeed."""
    done = subprocess.run([PAY, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(*arguments):
    """Run ecm-pay, which must refuse its input, and return the one line it gives as a reason."""
    done = subprocess.run([PAY, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.strip()


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return sorted(map(tuple, csv.reader(file)))


def period(folder):
    with open(folder / "period.csv", encoding="utf-8", newline="") as file:
        return next(csv.DictReader(file))


def run(folder, out, number, *more):
    asof = period(folder)[f"run{number}_asof_utc"]
    return pay("run", "--from", folder, "--as-of", asof, "--models", "A,B,C", "--out", out, *more)


def run_id(said):
    word, value = said.split()
    assert word == "run" and len(value) == 64
    return value


@pytest.fixture(scope="session", name="week")
def unpacked_week(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    with tarfile.open(DATA / "reference" / "week.tar.xz") as archive:
        archive.extractall(folder)
    return folder / "week"


def assert_equals_reference(folder, out):
    for name in FILES:
        assert rows(out / name) == rows(folder / "run2" / name), name
    ours = json.loads((out / "totals.json").read_text())
    assert ours == json.loads((folder / "run2" / "totals.json").read_text())


def totals(out):
    found = json.loads((out / "totals.json").read_text())
    return {model: found[f"{model}_pence"] for model in "ABC"}


def adjustments(out):
    sums = {"A": 0, "B": 0, "C": 0}
    with open(out / "adjustments.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert int(row["adjustment_pence"]) != 0
            assert int(row["new_pence"]) - int(row["old_pence"]) == int(row["adjustment_pence"])
            sums[row["model"]] += int(row["adjustment_pence"])
    return sums


def test_tiny_comes_out_as_the_reference_in_every_file(tmp_path):
    folder = DATA / "reference" / "tiny"
    run(folder, tmp_path, 2)
    assert_equals_reference(folder, tmp_path)
    assert totals(tmp_path) == {"A": 562034, "B": 548568, "C": 587379}


def test_week_comes_out_as_the_reference_in_every_file(week, tmp_path):
    run(week, tmp_path, 2)
    assert_equals_reference(week, tmp_path)
    assert totals(tmp_path) == {"A": 27480414, "B": 26872706, "C": 29111716}


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("name", EDGES)
def test_edge_case(name, number, tmp_path):
    folder = DATA / "edge" / name
    expected_file = folder / f"expected_run{number}.json"
    if not expected_file.exists():
        assert number == 1
        return
    expected = json.loads(expected_file.read_text())
    run(folder, tmp_path, number)
    found = {
        "A": [[int(r[5]), int(r[6])] for r in rows(tmp_path / "payA.csv") if r[6] != "pence"],
        "B": [[int(r[5]), int(r[6])] for r in rows(tmp_path / "payB.csv") if r[6] != "pence"],
        "C": [[r[1], r[3], int(r[4]), int(r[5])] for r in rows(tmp_path / "payC.csv")
              if r[5] != "pence"],
        "slots": [[r[0], int(r[1]), r[6], r[7], int(r[16])] for r in rows(tmp_path / "slots.csv")
                  if r[1] != "slot"],
        "exceptions": [r[0] for r in rows(tmp_path / "exceptions.csv") if r[0] != "code"],
        "unplanned": len(rows(tmp_path / "unplanned.csv")) - 1,
    }
    for key, value in expected.items():
        if isinstance(value, list):
            assert sorted(found[key]) == sorted(value), key
        else:
            assert found[key] == value, key


def test_store_and_files_give_the_same_answer_and_run_1_plus_adjustments_is_run_2(week, tmp_path):
    store = tmp_path / "store.db"
    which = period(week)
    pay("import", week, "--store", store)
    first = run_id(pay("run", "--store", store, "--period", which["period_id"], "--as-of",
                       which["run1_asof_utc"], "--out", tmp_path / "1"))
    again = run_id(pay("run", "--store", store, "--period", which["period_id"], "--as-of",
                       which["run1_asof_utc"], "--out", tmp_path / "again"))
    pay("run", "--store", store, "--period", which["period_id"], "--as-of",
        which["run2_asof_utc"], "--out", tmp_path / "2", "--previous", first)
    assert again == first
    assert_equals_reference(week, tmp_path / "2")
    old, new, difference = totals(tmp_path / "1"), totals(tmp_path / "2"), adjustments(tmp_path / "2")
    assert any(difference.values())
    assert new == {model: old[model] + difference[model] for model in "ABC"}


def test_same_inputs_give_byte_identical_files_and_the_same_run_id(tmp_path):
    folder = DATA / "reference" / "tiny"
    first = run_id(run(folder, tmp_path / "1", 2))
    second = run_id(run(folder, tmp_path / "2", 2))
    assert first == second
    names = sorted(p.name for p in (tmp_path / "1").iterdir())
    assert names == sorted(FILES + ["adjustments.csv", "identity.csv", "lines.csv", "manifest.json", "totals.json"])
    for name in names:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name


def test_what_arrives_later_changes_neither_run_1_nor_its_id(tmp_path):
    tiny = DATA / "reference" / "tiny"
    asof = int(period(tiny)["run1_asof_utc"])
    early = tmp_path / "early"
    shutil.copytree(tiny, early)
    lines = (tiny / "events.csv").read_text().splitlines(keepends=True)
    seen = [line for line in lines[1:] if int(line.split(",")[0]) <= asof]
    assert len(seen) < len(lines) - 1
    (early / "events.csv").write_text("".join([lines[0], *seen]))
    assert run_id(run(early, tmp_path / "1", 1)) == run_id(run(tiny, tmp_path / "2", 1))
    for name in FILES:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name


def test_adjustments_work_without_a_store_from_the_folder_of_the_earlier_run(tmp_path):
    tiny = DATA / "reference" / "tiny"
    run(tiny, tmp_path / "1", 1)
    run(tiny, tmp_path / "2", 2, "--previous", tmp_path / "1")
    old, new, difference = totals(tmp_path / "1"), totals(tmp_path / "2"), adjustments(tmp_path / "2")
    assert any(difference.values())
    assert new == {model: old[model] + difference[model] for model in "ABC"}


def test_only_the_models_asked_for_are_written(tmp_path):
    folder = DATA / "reference" / "tiny"
    pay("run", "--from", folder, "--as-of", period(folder)["run2_asof_utc"], "--models", "B",
        "--out", tmp_path)
    assert (tmp_path / "payB.csv").exists()
    assert not (tmp_path / "payA.csv").exists()
    assert not (tmp_path / "payC.csv").exists()


def test_importing_the_same_files_again_changes_nothing(tmp_path):
    folder = DATA / "reference" / "tiny"
    first = pay("import", folder, "--store", tmp_path / "store.db")
    second = pay("import", folder, "--store", tmp_path / "store.db")
    assert not first.startswith("0 rows added")
    assert second.startswith("0 rows added, 0 changed, ")


def test_reconcile_fills_the_feed_and_a_second_time_changes_nothing(tmp_path):
    folder, store = DATA / "reference" / "tiny", tmp_path / "store.db"
    asof = period(folder)["run2_asof_utc"]
    pay("import", folder, "--store", store)
    assert "619 slots, 619 rows of the feed changed" in pay(
        "reconcile", "--store", store, "--as-of", asof)
    assert "619 slots, 0 rows of the feed changed" in pay(
        "reconcile", "--store", store, "--as-of", asof)
    lines = pay("feed", "--store", store).splitlines()
    assert len(lines) == 619
    last = json.loads(lines[-1])["version"]
    assert pay("feed", "--store", store, "--since", last) == ""


def test_feed_is_the_same_from_files_and_from_the_store_and_equals_the_reference(tmp_path):
    folder, store = DATA / "reference" / "tiny", tmp_path / "store.db"
    asof = period(folder)["run2_asof_utc"]
    pay("import", folder, "--store", store)
    pay("reconcile", "--store", store, "--as-of", asof)
    stored = [json.loads(line) for line in pay("feed", "--store", store).splitlines()]
    made = [json.loads(line)
            for line in pay("feed", "--from", folder, "--as-of", asof).splitlines()]
    for row in stored + made:
        del row["version"]
    assert stored == made
    expected = sorted((r[0], int(r[1]), r[6], r[7], int(r[16]))
                      for r in rows(folder / "run2" / "slots.csv") if r[1] != "slot")
    found = sorted((r["visit_id"], r["slot"], r["status"], r["carer_id"] or "", r["units"])
                   for r in made)
    assert found == expected


def test_feed_as_csv_has_the_rows_of_the_feed_as_json(tmp_path):
    folder = DATA / "reference" / "tiny"
    asof = period(folder)["run2_asof_utc"]
    table = list(csv.DictReader(
        pay("feed", "--from", folder, "--as-of", asof, "--format", "csv").splitlines()))
    objects = [json.loads(line)
               for line in pay("feed", "--from", folder, "--as-of", asof).splitlines()]
    assert len(table) == len(objects) == 619
    for row, made in zip(table, objects):
        assert list(row) == list(made)
        for key, value in made.items():
            if key == "flags":
                value = "|".join(f"{flag}={seconds}" for flag, seconds in value.items())
            elif key == "withdrawn":
                value = int(value)
            assert row[key] == ("" if value is None else str(value)), key


def visit_with(status):
    folder = DATA / "reference" / "tiny"
    return next(r[0] for r in rows(folder / "run2" / "slots.csv") if r[6] == status)


def explain(visit):
    folder = DATA / "reference" / "tiny"
    return pay("explain", visit, "--from", folder, "--as-of", period(folder)["run2_asof_utc"])


def test_explain_names_taps_cost_and_runner_up_of_a_matched_visit():
    said = explain(visit_with("OK"))
    for word in ("carer", "arrived", "left", "worked", "match     cost", "runner-up", "paid"):
        assert word in said, word


def test_explain_says_which_tap_is_missing():
    assert "the tap on leaving is missing" in explain(visit_with("HELD_NO_OUT"))
    assert "the tap on arriving is missing" in explain(visit_with("HELD_NO_IN"))


def test_explain_says_why_a_missed_visit_found_nobody():
    assert "nearest" in explain(visit_with("MISSED"))


def test_explain_says_how_late_a_visit_was_cancelled():
    assert "before the planned start; notice is 1440 min" in explain(visit_with("CANC_SHORT"))


def test_show_prints_as_many_rows_as_asked_and_the_sums():
    folder = DATA / "reference" / "tiny"
    asof = period(folder)["run2_asof_utc"]
    lines = pay("show", "--from", folder, "--as-of", asof, "--limit", "5").splitlines()
    assert len(lines) == 1 + 5 + 1 + 1 + 2
    assert lines[6] == "... and 614 more (--limit 0 shows all)"
    assert lines[8].startswith("619 slots: ")


def test_as_of_may_be_written_as_an_instant(tmp_path):
    folder = DATA / "reference" / "tiny"
    assert period(folder)["run2_asof_utc"] == "1604750400"
    said = [pay("run", "--from", folder, "--as-of", asof, "--out", tmp_path / asof)
            for asof in ("1604750400", "2020-11-07T12:00:00Z")]
    assert said[0] == said[1]


def test_empty_feed_says_who_fills_it(tmp_path):
    store = tmp_path / "store.db"
    pay("import", DATA / "reference" / "tiny", "--store", store)
    done = subprocess.run([PAY, "feed", "--store", store], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == ("ecm-pay: the feed is empty: the collector fills it, or ecm-pay reconcile"
                           "\n")


def usage_error(*arguments):
    done = subprocess.run([PAY, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    return done.stderr.splitlines()[0]


def test_usual_slips_of_the_hand_are_answered_with_what_is_right():
    folder = DATA / "reference" / "tiny"
    assert usage_error("show", "--from", folder, "--status", "missed").startswith(
        "ecm-pay show: --status: 'missed' is none of OK, HELD_NO_OUT,")
    assert usage_error("run", "--from", folder, "--as-of", "2020-11-07").endswith(
        "'2020-11-07' is neither seconds since 1970 nor an instant like 2021-03-28T07:00:00Z")
    assert usage_error("monitor", "--from", folder, "--from-date", "2020-10-30") == (
        "ecm-pay: the period is 2020-10-19 to 2020-10-25: --from-date and --to-date must lie in that")


def spoil(folder, name, old, new):
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


BAD = [
    ("planned.csv", "1603088100,1603089900,2", "1603088100,1603088100,2",
     "planned.csv:2: planned_end_utc: not after planned_start_utc"),
    ("planned.csv", "V0000002,", "V0000001,",
     "planned.csv:3: visit_id: V0000001 is already on line 2"),
    ("planned.csv", "S00007,P1", "S99999,P1", "planned.csv:2: person_id: S99999 is not in people.csv"),
    ("planned.csv", "S00007,P1", "S00007,P0", "planned.csv:2: provider_id: P0 is not in providers.csv"),
    ("planned.csv", "visit_id", "visit", "planned.csv:1: visit: unknown column"),
    ("people.csv", "S00001,LA", "S00001,XX",
     "people.csv:2: funder: XX is a funder without a rate in rates.csv"),
    ("period.csv", "2020-10-19", "2020-10-20", "period.csv:2: start_date: not a Monday"),
    ("rates.csv", "P5,CCG,2020-10-19", "P5,CCG,2020-10-20",
     "rates.csv:11: valid_from: P5 leaves a gap after line 10"),
    ("rates.csv", "P5,CCG,2020-10-19", "P5,CCG,2020-10-18",
     "rates.csv:11: valid_from: P5 overlaps line 10"),
    ("cards.csv", "0429E7127669", "04F660F38EC3",
     "cards.csv:3: valid_from_utc: 04F660F38EC3 overlaps line 2"),
    ("events.csv", ",I,1603087470", ",X,1603087470", "events.csv:2: kind: neither I nor O"),
    ("events.csv", "1603087470", "16030.5",
     "events.csv:2: ts_utc: not a whole number of seconds since 1970"),
    ("amendments.csv", "ADD", "EDIT", "amendments.csv:2: action: neither ADD nor VOID"),
]


@pytest.mark.parametrize("name,old,new,reason", BAD)
def test_bad_row_is_named_and_nothing_is_imported(name, old, new, reason, tmp_path):
    folder, store = tmp_path / "in", tmp_path / "store.db"
    shutil.copytree(DATA / "reference" / "tiny", folder)
    spoil(folder, name, old, new)
    assert refused("import", folder, "--store", store) == f"ecm-pay: {reason}"
    assert not store.exists()


def test_missing_rate_is_named_and_no_run_is_written(tmp_path):
    folder = tmp_path / "in"
    shutil.copytree(DATA / "reference" / "tiny", folder)
    spoil(folder, "rates.csv", "P1,LA,2020-04-01,2021-05-01", "P1,LA,2020-04-01,2020-10-21")
    said = refused("run", "--from", folder, "--as-of", period(folder)["run2_asof_utc"], "--out",
                   tmp_path / "out")
    assert said == "ecm-pay: model A: no rate of provider P1 for funder LA on 2020-10-21"
    assert not list((tmp_path / "out").iterdir())


def test_files_of_other_names_are_passed_over_with_a_notice(tmp_path):
    folder = tmp_path / "in"
    shutil.copytree(DATA / "reference" / "tiny", folder)
    (folder / "notes.txt").write_text("hello\n")
    done = subprocess.run([PAY, "import", folder, "--store", tmp_path / "store.db"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == f"{folder}/notes.txt: not a file I know, passed over\n"


def test_missing_file_is_named(tmp_path):
    folder = tmp_path / "in"
    shutil.copytree(DATA / "reference" / "tiny", folder)
    (folder / "events.csv").unlink()
    assert refused("run", "--from", folder, "--out", tmp_path / "out").endswith(
        "events.csv is missing")


def test_run_of_another_period_is_no_earlier_run(tmp_path):
    tiny, other, store = DATA / "reference" / "tiny", tmp_path / "other", tmp_path / "store.db"
    shutil.copytree(tiny, other)
    spoil(other, "period.csv", "R1,", "R2,")
    asof = period(tiny)["run1_asof_utc"]
    reason = "is of period R1; only a run of period R2 can be adjusted"
    run(tiny, tmp_path / "1", 1)
    assert refused("run", "--from", other, "--as-of", asof, "--out", tmp_path / "2", "--previous",
                   tmp_path / "1") == f"ecm-pay: --previous: run {tmp_path / '1'} {reason}"
    pay("import", tiny, "--store", store)
    pay("import", other / "period.csv", "--store", store)
    first = run_id(pay("run", "--store", store, "--period", "R1", "--as-of", asof, "--out",
                       tmp_path / "3"))
    assert refused("run", "--store", store, "--period", "R2", "--as-of", asof, "--out",
                   tmp_path / "4", "--previous", first) == f"ecm-pay: --previous: run {first} {reason}"


def test_unknown_period_and_previous_run_are_named(tmp_path):
    store = tmp_path / "store.db"
    pay("import", DATA / "reference" / "tiny", "--store", store)
    assert "R9" in refused("run", "--store", store, "--period", "R9", "--out", tmp_path / "out")
    assert "there is no such run" in refused(
        "run", "--store", store, "--period", "R1", "--out", tmp_path / "out", "--previous", "0" * 64)


@pytest.mark.parametrize("command", ["import", "reconcile", "run", "feed", "explain", "show"])
def test_every_command_has_help_and_refuses_nonsense(command):
    assert pay(command, "--help").startswith(f"Usage: ecm-pay {command}")
    done = subprocess.run([PAY, command, "--nonsense"], capture_output=True, check=False)
    assert done.returncode == 2


def test_help_and_version_are_there():
    assert "Usage: ecm-pay COMMAND" in pay("--help")
    assert pay("--version").startswith("ecm-pay ")
    assert subprocess.run([PAY], capture_output=True, check=False).returncode == 2
