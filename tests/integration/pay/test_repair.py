"""Repairs from the outside: proposed, explained, accepted, paid, and taken back."""
import csv
import json
import os
import pathlib
import subprocess

import pytest

BIN = pathlib.Path(os.environ["ECM_BIN"])
MONDAY = 1614556800  # 2021-03-01 00:00, no clock change in that week
DAY, MINUTE = 86400, 60
LATER = 4000000000  # an as-of at which everything is visible

# One person, one carer. V1 08:00 and V2 08:30 are back to back; V3 12:00 and V4 15:00 stand alone.
VISITS = [("V1", 480, 30), ("V2", 510, 30), ("V3", 720, 30), ("V4", 900, 30)]
# She stays over V1 and V2, and forgets to tap out of V3: the reader takes V4's arrival for it.
TAPS = [("t1", "I", 480), ("t2", "O", 540), ("t3", "I", 722), ("t4", "O", 901), ("t5", "I", 930)]

FILES = {
    "period.csv": "period_id,start_date,end_date,start_utc,end_utc,run1_asof_utc,run2_asof_utc\n"
                  f"W,2021-03-01,2021-03-08,{MONDAY},{MONDAY + 7 * DAY},{LATER},{LATER}\n",
    "providers.csv": "provider_id,zone,lot,tier,contract_minutes\nP1,N,1,1,120\n",
    "rates.csv": "provider_id,funder,valid_from,valid_to,pence_per_hour\n"
                 "P1,LA,2020-04-01,2022-04-01,1600\n",
    "people.csv": "person_id,funder,zone,provider_id,double_handed\np1,LA,N,P1,0\n",
    "carers.csv": "carer_id,provider_id\nc1,P1\n",
    "cards.csv": "card_uid,carer_id,valid_from_utc,valid_to_utc\n04AA,c1,0,4102444800\n",
    "devices.csv": "device_id,person_id,valid_from_utc,valid_to_utc\nGW-1,p1,0,4102444800\n",
    "planned.csv": "visit_id,person_id,provider_id,planned_start_utc,planned_end_utc,"
                   "carers_required,roster_carers,cancel_utc\n" + "".join(
                       f"{name},p1,P1,{MONDAY + at * MINUTE},{MONDAY + (at + length) * MINUTE},1,c1,\n"
                       for name, at, length in VISITS),
    "events.csv": "recv_utc,event_id,device_id,card_uid,kind,ts_utc\n" + "".join(
        f"{MONDAY + at * MINUTE + 5},{tap},GW-1,04AA,{kind},{MONDAY + at * MINUTE}\n"
        for tap, kind, at in TAPS),
    "amendments.csv": "amend_id,created_utc,action,person_id,carer_id,kind,ts_utc,event_id,"
                      "reason_code\n",
}


def call(*arguments, status=0, program="ecm-pay"):
    done = subprocess.run([BIN / program, *map(str, arguments)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Site:
    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "data"
        self.data.mkdir()
        for name, text in FILES.items():
            (self.data / name).write_text(text, encoding="utf-8")
        self.store = folder / "pay.db"
        call("import", self.data, "--store", self.store)

    def run(self, name, *more):
        """(run id, status and units by visit) of a run from the store."""
        out = self.folder / name
        run_id = call("run", "--store", self.store, "--as-of", LATER, "--out", out, *more).split()[1]
        return run_id, {row["visit_id"]: (row["status"], int(row["unitsA"]))
                        for row in table(out / "slots.csv")}

    def release(self, visit):
        call("correct", "release", "--store", self.store, "--who", "anna", "--reason", "06", "--memo",
             "the carer told us", "--visit", visit, "--slot", 1)


@pytest.fixture(name="site")
def small_site(tmp_path):
    return Site(tmp_path)


PLAIN = {"V1": ("OK", 2), "V2": ("MISSED", 0), "V3": ("OK", 2), "V4": ("HELD_NO_OUT", 0)}
HELD = {"V1": ("OK", 2), "V2": ("HELD_REPAIR", 0), "V3": ("HELD_NO_OUT", 0),
        "V4": ("HELD_REPAIR", 0)}
PAID = {"V1": ("OK", 2), "V2": ("OK", 2), "V3": ("HELD_NO_OUT", 0), "V4": ("OK", 2)}


def test_without_a_choice_nothing_is_repaired(site):
    plain = site.run("plain")
    assert plain[1] == PLAIN
    assert site.run("none", "--repairs", "none") == plain
    assert not (site.folder / "plain" / "repairs.csv").exists()
    assert "repair" not in (site.folder / "plain" / "manifest.json").read_text()
    assert "repair" not in (site.folder / "plain" / "totals.json").read_text()


def test_the_choice_is_part_of_what_a_run_is(site):
    ids = {site.run(f"run{i}", "--repairs", choice)[0]
           for i, choice in enumerate(["none", "all", "all:pay", "boundary"])}
    assert len(ids) == 4
    identity = json.loads((site.folder / "run2" / "manifest.json").read_text())["identity"]
    assert "rule repair/1 direction=pay leaving=pay arrival=pay boundary=pay" in identity
    assert site.run("again", "--repairs", "all:pay,arrival:pay")[0] == site.run("run2b", "--repairs",
                                                                                "all:pay")[0]
    call("--store", site.store, site.folder / "run2", program="ecm-verify")


def test_a_proposal_is_held_and_shown(site):
    assert site.run("held", "--repairs", "all")[1] == HELD
    rows = table(site.folder / "held" / "repairs.csv")
    assert {(row["rule"], row["visit_id"], row["decision"]) for row in rows} == {
        ("boundary", "V2", "held"), ("direction", "V4", "held"), ("leaving", "V3", "held")}
    totals = json.loads((site.folder / "held" / "totals.json").read_text())
    assert totals["repairs"]["direction_held"] == 2 and totals["repairs"]["boundary_paid"] == 0
    assert totals["status"]["HELD_REPAIR"] == 2


def test_what_is_good_evidence_is_paid(site):
    assert site.run("paid", "--repairs", "all:pay")[1] == PAID
    boundary = [row for row in table(site.folder / "paid" / "repairs.csv")
                if row["rule"] == "boundary"]
    assert {(row["visit_id"], row["inferred_s"], row["decision"]) for row in boundary} == {
        ("V1", "1800", "paid"), ("V2", "1800", "paid")}


def test_the_explanation_says_what_was_laid_over_what_and_how_to_accept_it(site):
    data = ["--from", site.data, "--as-of", LATER]
    said = call("explain", "V3", *data, "--repairs", "all")
    assert "the tap on leaving was forgotten. The next tap, 15:01:00 (t4), was taken for it and " \
           "is the arrival of visit V4. Leaving assumed at 12:32:00, 30 min after arriving" in said
    assert "held: this site has a person decide. To accept: ecm-pay correct release --visit V3" in said
    said = call("explain", "V4", *data, "--repairs", "all:pay")
    assert "R1: tap t4 at 15:01:00, taken for leaving, is read as arriving" in said
    assert "paid: 29 min rest on this" in said
    said = call("explain", "V2", *data, "--repairs", "boundary:pay")
    assert "This one is 08:30:00 to 09:00:00, split at the planned boundary" in said
    assert ", inferred: no tap" in said
    found = json.loads(call("explain", "V2", *data, "--repairs", "all", "--json"))
    found = found if isinstance(found, dict) else found[0]
    found = found.get("slots", [found])[0]
    assert found["repairs"][0]["rule"] == "repair-boundary/1"
    assert found["repairs"][0]["decision"] == "held" and found["match"] is None


def test_releasing_accepts_and_undoing_takes_it_back(site):
    before = site.run("before", "--repairs", "all")
    for visit in ("V2", "V4", "V3"):
        site.release(visit)
    accepted = site.run("accepted", "--repairs", "all")
    assert accepted[1] == {"V1": ("OK", 2), "V2": ("OK", 2), "V3": ("OK", 2), "V4": ("OK", 2)}
    assert accepted[0] != before[0]
    for number in (1, 2, 3):
        call("correct", "undo", "--store", site.store, "--who", "anna", "--reason", "06", "--memo",
             "a mistake", "--number", number)
    assert site.run("after", "--repairs", "all") == before
    assert site.run("plain")[1] == PLAIN


def test_a_correction_goes_before_a_repair(site):
    call("correct", "add", "--store", site.store, "--who", "anna", "--reason", "06", "--memo",
         "the carer told us", "--person", "p1", "--carer", "c1", "--kind", "O", "--at",
         "2021-03-01T12:20:00Z")
    _, found = site.run("corrected", "--repairs", "leaving:pay")
    assert found["V3"] == ("OK", 1)  # 18 minutes
    assert "V3" not in {row["visit_id"] for row in table(site.folder / "corrected" / "repairs.csv")}


def test_files_and_store_are_repaired_alike(site):
    run_id, _ = site.run("store", "--repairs", "all:pay")
    out = site.folder / "files"
    said = call("run", "--from", site.data, "--as-of", LATER, "--repairs", "all:pay", "--out", out)
    assert said.split()[1] == run_id
    assert (out / "repairs.csv").read_bytes() == \
           (site.folder / "store" / "repairs.csv").read_bytes()


def test_the_feed_has_the_flag_the_rule_and_the_reason(site):
    call("reconcile", "--store", site.store, "--as-of", LATER, "--repairs", "all")
    feed = {row["visit_id"]: row
            for row in map(json.loads, call("feed", "--store", site.store).splitlines())}
    assert feed["V2"]["flags"] == {"repaired": 1800}
    assert feed["V2"]["status"] == "HELD_REPAIR" and feed["V2"]["worked_s"] == 0
    assert feed["V2"]["rule"] == "visits/1 repair-boundary/1"
    assert "one stay over visits back to back, this one 08:30:00 to 09:00:00" in feed["V2"]["why"]
    assert feed["V4"]["flags"]["repaired"] == 29 * MINUTE
    assert feed["V1"]["rule"] == "visits/1"


def test_monitoring_counts_what_is_repaired_and_proposed(site):
    def numbers(choice):
        text = call("monitor", "--from", site.data, "--as-of", LATER, "--format", "json", "--repairs",
                    choice)
        return json.loads(text)["total"]

    assert (numbers("all")["repaired"], numbers("all")["proposed"]) == (0, 3)
    assert (numbers("all:pay")["repaired"], numbers("all:pay")["proposed"]) == (3, 1)
    assert (numbers("none")["repaired"], numbers("none")["proposed"]) == (0, 0)
    assert numbers("none")["ecm"] == 2 and numbers("all:pay")["ecm"] == 0


def test_a_choice_that_cannot_be_read_is_refused_in_one_line(site):
    said = call("run", "--from", site.data, "--out", site.folder / "x", "--repairs",
                "leaving:pay,border", status=2)
    assert "--repairs: 'border' is none of direction, leaving, arrival, boundary, all" in said
    assert not (site.folder / "x").exists()
