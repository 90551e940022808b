"""ecm-pay correct and ecm-verify from the outside."""
import csv
import os
import pathlib
import sqlite3
import subprocess

import pytest

BIN = pathlib.Path(os.environ["ECM_BIN"])
TINY = pathlib.Path(os.environ["ECM_SOURCE"]) / "tests" / "data" / "reference" / "tiny"
LATER = 4000000000  # an as-of at which everything is visible


def call(program, *arguments, status=0):
    done = subprocess.run([BIN / program, *map(str, arguments)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout + (done.stderr if status else "")


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Store:
    """The tiny reference in a store of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "pay.db"
        call("ecm-pay", "import", TINY, "--store", self.path)

    def correct(self, action, *more, status=0):
        return call("ecm-pay", "correct", action, "--store", self.path, "--who", "anna",
                    "--reason", "06", "--memo", "the carer told us", *more, status=status)

    def run(self, name, *more, asof=LATER):
        out = self.folder / name
        said = call("ecm-pay", "run", "--store", self.path, "--as-of", asof, "--out", out, *more)
        return said.split()[1], out

    def verify(self, *folders, status=0):
        return call("ecm-verify", "--store", self.path, *folders, status=status)

    def tamper(self, sql):
        """Change the file behind the program's back, as somebody with a tool could."""
        with sqlite3.connect(self.path) as db:
            db.executescript("DROP TRIGGER IF EXISTS correction_stays;"
                             "DROP TRIGGER IF EXISTS correction_remains;")
            assert db.execute(sql).rowcount == 1


@pytest.fixture(name="store")
def tiny_store(tmp_path):
    return Store(tmp_path)


def slot(out, visit, number=1):
    return next(r for r in table(out / "slots.csv")
                if r["visit_id"] == visit and r["slot"] == str(number))


def held_slot(out):
    return next(r for r in table(out / "slots.csv") if r["status"] == "HELD_NO_OUT")


def test_an_added_tap_completes_a_held_visit(store):
    _, before = store.run("before")
    row = held_slot(before)
    at = int(row["in_utc"]) + 900
    assert store.correct("add", "--person", row["person_id"], "--carer", row["carer_id"],
                         "--kind", "O", "--at", at) == "correction 1\n"
    _, after = store.run("after")
    assert slot(after, row["visit_id"], row["slot"])["status"] == "OK"
    assert slot(after, row["visit_id"], row["slot"])["worked_s"] == "900"
    assert "corrections: 1, faults: 0" in store.verify(before, after)


def test_adding_a_correction_and_undoing_it_changes_nothing(store):
    first, before = store.run("before")
    row = held_slot(before)
    planned = int(row["planned_start_utc"])
    done = next(r for r in table(before / "sessions.csv") if r["status"] == "OK")
    store.correct("add", "--person", row["person_id"], "--carer", row["carer_id"], "--kind", "O",
                  "--at", int(row["in_utc"]) + 900)
    store.correct("void", "--event", done["in_id"])
    store.correct("plan", "--visit", row["visit_id"], "--start", planned + 600, "--end",
                  planned + 2400)
    store.correct("release", "--visit", row["visit_id"])
    changed, _ = store.run("changed")
    assert changed != first
    for number in range(1, 5):
        store.correct("undo", "--number", number)
    again, after = store.run("after")
    assert again == first
    for file in before.iterdir():
        assert file.read_bytes() == (after / file.name).read_bytes(), file.name
    store.verify(before, after)


def test_a_run_does_not_see_corrections_made_after_its_as_of(store):
    asof = int(table(TINY / "period.csv")[0]["run2_asof_utc"])
    first, before = store.run("before", asof=asof)
    row = held_slot(before)
    store.correct("plan", "--visit", row["visit_id"], "--start", row["planned_start_utc"], "--end",
                  int(row["planned_end_utc"]) + 900)
    store.correct("add", "--person", row["person_id"], "--carer", row["carer_id"], "--kind", "O",
                  "--at", int(row["in_utc"]) + 900)
    again, _ = store.run("again", asof=asof)
    assert again == first
    assert store.run("later")[0] != first


def test_a_change_of_plan_moves_the_visit(store):
    _, before = store.run("before")
    row = next(r for r in table(before / "slots.csv") if r["status"] == "OK")
    start = int(row["planned_start_utc"])
    store.correct("plan", "--visit", row["visit_id"], "--start", start, "--end", start + 900)
    _, after = store.run("after")
    assert slot(after, row["visit_id"], row["slot"])["planned_end_utc"] == str(start + 900)
    assert int(slot(after, row["visit_id"], row["slot"])["unitsA"]) <= 1


def test_a_parked_visit_is_paid_once_it_is_released(store, tmp_path):
    file = tmp_path / "x.contract"
    file.write_text("[contract]\nid = X\nvalid_from = 2018-01-01\n[tolerance]\nminutes = 5\n")
    _, before = store.run("before", "--contract", file)
    parked = next(r for r in table(before / "contract_slots.csv") if r["outcome"] == "PARKED")
    store.correct("release", "--visit", parked["visit_id"], "--slot", parked["slot"])
    _, after = store.run("after", "--contract", file)
    changed = [(b, a) for b, a in zip(table(before / "contract_slots.csv"),
                                      table(after / "contract_slots.csv")) if b != a]
    assert len(changed) == 1
    assert changed[0][1]["visit_id"] == parked["visit_id"]
    assert changed[0][1]["outcome"] == "PAID"
    assert int(changed[0][1]["paid_s"]) > 0
    store.verify(before, after)


def test_under_a_shrinking_contract_an_edit_may_shorten_and_complete_but_not_lengthen(
        store, tmp_path):
    file = tmp_path / "x.contract"
    file.write_text("[contract]\nid = X\nvalid_from = 2018-01-01\n[edits]\nmay = shrink\n")
    _, before = store.run("before")
    done = next(r for r in table(before / "sessions.csv")
                if r["status"] == "OK" and r["out_id"].startswith("H"))
    who = ["--person", done["person_id"], "--carer", done["carer_id"], "--contract", file]
    other = next(r for r in table(before / "sessions.csv")
                 if r["status"] == "OK" and r["in_id"].startswith("H")
                 and r["carer_id"] != done["carer_id"])
    store.correct("void", "--event", other["in_id"], "--contract", file)
    said = store.correct("add", "--person", other["person_id"], "--carer", other["carer_id"],
                         "--kind", "I", "--at", int(other["in_utc"]) - 60, "--contract", file,
                         status=2)
    assert "edits may only shrink the clocked time" in said
    store.correct("void", "--event", done["out_id"], "--contract", file)
    said = store.correct("add", *who, "--kind", "O", "--at", int(done["out_utc"]) + 600, status=2)
    assert "edits may only shrink the clocked time" in said
    store.correct("add", *who, "--kind", "O", "--at", int(done["out_utc"]) - 60)
    held = held_slot(before)
    store.correct("add", "--person", held["person_id"], "--carer", held["carer_id"], "--kind", "O",
                  "--at", int(held["in_utc"]) + 900, "--contract", file)
    assert "corrections: 4, faults: 0" in store.verify()


@pytest.mark.parametrize("action,more,reason", [
    ("add", ["--person", "NOBODY", "--carer", "P9-C002", "--kind", "O", "--at", "1603222500"],
     "there is no person 'NOBODY'"),
    ("add", ["--person", "S00001", "--carer", "NOBODY", "--kind", "O", "--at", "1603222500"],
     "there is no carer 'NOBODY'"),
    ("add", ["--person", "S00001", "--carer", "P9-C002", "--kind", "O", "--at",
             "2200-01-01T00:00:00Z"], "--at lies in the future"),
    ("add", ["--person", "S00001", "--carer", "P9-C002", "--kind", "X", "--at", "1603222500"],
     "'X' is not what this option takes"),
    ("add", ["--person", "S00001"], "add needs --person, --carer, --kind and --at"),
    ("void", ["--event", "NOTHING"], "there is no tap 'NOTHING'"),
    ("plan", ["--visit", "NOTHING", "--start", "1", "--end", "2"], "there is no visit 'NOTHING'"),
    ("plan", ["--visit", "V0000377", "--start", "1603617300", "--end", "1603617300"],
     "--end is not within a day after --start"),
    ("plan", ["--visit", "V0000377", "--start", "1", "--end", "900"],
     "--start would move the visit out of the period"),
    ("release", ["--visit", "V0000377", "--slot", "9"], "the visit has only"),
    ("undo", ["--number", "1"], "there is no correction 1"),
])
def test_what_makes_no_sense_is_refused_and_leaves_nothing(store, action, more, reason):
    assert reason in store.correct(action, *more, status=2)
    assert "corrections: 0, faults: 0" in store.verify()


def test_a_memo_that_is_not_utf_8_is_refused_and_does_not_break_the_chain(store):
    event = next(r["in_id"] for r in table(store.run("x")[1] / "sessions.csv") if r["in_id"])
    command = [b"correct", b"void", b"--store", os.fsencode(store.path), b"--who", b"anna",
               b"--reason", b"06", b"--memo", b"caf\xe9", b"--event", event.encode()]
    done = subprocess.run([os.fsencode(BIN / "ecm-pay"), *command], capture_output=True,
                          check=False)
    assert done.returncode == 2 and b"not UTF-8" in done.stderr
    store.correct("void", "--event", event)
    assert "corrections: 1, faults: 0" in store.verify()


def three_corrections(store):
    for event in [r["in_id"] for r in table(store.run("x")[1] / "sessions.csv")
                  if r["status"] == "OK" and r["in_id"].startswith("H")][:3]:
        store.correct("void", "--event", event)


@pytest.mark.parametrize("sql,reason", [
    ("UPDATE correction SET line = replace(line, 'anna', 'bert') WHERE seq = 2",
     "correction 2: the chain breaks here"),
    ("DELETE FROM correction WHERE seq = 2", "correction 3: the chain breaks here"),
    ("DELETE FROM correction WHERE seq = 3", "amendment C000003: nobody signed for it"),
    ("DELETE FROM amendment WHERE amend_id = 'C000001'", "correction 1: its amendment is missing"),
    ("UPDATE amendment SET created_utc = 1 WHERE amend_id = 'C000002'",
     "correction 2: its amendment is missing or says something else"),
])
def test_tampering_with_corrections_is_found(store, sql, reason):
    three_corrections(store)
    store.verify()
    store.tamper(sql)
    assert reason in store.verify(status=1)


def test_a_broken_chain_stops_payment(store):
    three_corrections(store)
    store.tamper("UPDATE correction SET line = replace(line, 'anna', 'bert') WHERE seq = 2")
    said = call("ecm-pay", "run", "--store", store.path, "--as-of", LATER, "--out",
                store.folder / "out", status=1)
    assert "correction 2 is not what was signed for" in said


def test_a_changed_file_of_a_run_is_found(store):
    _, out = store.run("out")
    said = store.verify(out)
    names = {p.name for p in out.iterdir()} - {"manifest.json", "adjustments.csv"}
    assert f"files: {len(names)}, faults: 0" in said
    for name in sorted(names):
        whole = (out / name).read_bytes()
        (out / name).write_bytes(whole[:-1])
        assert f"{name}: is not" in store.verify(out, status=1)
        (out / name).write_bytes(whole)
    manifest = (out / "manifest.json").read_text()
    (out / "manifest.json").write_text(manifest.replace("period R", "period Q", 1))
    assert "manifest.json: " in store.verify(out, status=1)
    (out / "manifest.json").unlink()
    store.verify(out, status=2)
