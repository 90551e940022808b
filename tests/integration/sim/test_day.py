"""A simulated day through the real mosquitto, ecm-collector and ecm-pay, compared with the truth."""
import json
import sqlite3
import subprocess
import time

import pytest

from chaos import storm
from simlib import (BIN, Broker, Collector, allow_files, assert_each_green_tap_is_there_once,
                    finish, make_roster, now, rows, run, start_sim, taps_in_store, wait_until)


@pytest.fixture(name="played")
def _played(tmp_path):
    """A day of 12 homes without noise; the roster is imported while it is being played."""
    allow_files()
    roster = make_roster(tmp_path / "made", "--day", "2026-03-24", "--homes", "12", "--style",
                         "borough", "--visits", "3")
    out = tmp_path / "played"
    with Broker(tmp_path) as broker, Collector(tmp_path, broker.port) as collector:
        wait_until(collector.store.exists, "the collector made its store")
        simulation = start_sim(roster, out, broker.port, "--timeout", "60", "--sign")
        wait_until((out / "roster" / "events.csv").exists, "the roster as played was written")
        run(BIN / "ecm-pay", "import", out / "roster", "--store", collector.store)
        finish(simulation, collector, timeout=90)
        yield out, collector


def feed_of(store) -> list[dict]:
    lines = run(BIN / "ecm-pay", "feed", "--store", store).stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_the_collector_has_each_green_tap_once(played):
    out, collector = played
    assert assert_each_green_tap_is_there_once(out, collector.store) > 70


def test_the_feed_is_live_and_every_visit_is_ok(played):
    out, collector = played
    slots = json.loads((out / "did.json").read_text())["slots"]

    def is_complete():
        feed = feed_of(collector.store)
        return len(feed) == slots and {row["status"] for row in feed} == {"OK"}

    wait_until(is_complete, f"{slots} slots are OK in the feed, by the collector itself")


def test_a_run_pays_exactly_what_was_planned(played, tmp_path):
    out, collector = played
    run(BIN / "ecm-pay", "run", "--store", collector.store, "--period", "SIM", "--as-of", now() + 5,
        "--models", "A,B,C", "--out", tmp_path / "run")
    planned = {row["visit_id"]: row for row in rows(out / "roster" / "planned.csv")}
    slots = rows(tmp_path / "run" / "slots.csv")
    assert len(slots) == sum(int(row["carers_required"]) for row in planned.values())
    for slot in slots:
        visit = planned[slot["visit_id"]]
        carers = visit["roster_carers"].split("|")
        assert slot["status"] == "OK"
        assert slot["in_utc"] == visit["planned_start_utc"]
        assert slot["out_utc"] == visit["planned_end_utc"]
        assert slot["carer_id"] in carers
    assert not rows(tmp_path / "run" / "unplanned.csv")


def test_batches_are_signed_and_the_signatures_verified(played):
    _, collector = played
    with sqlite3.connect(f"file:{collector.store}?mode=ro", uri=True) as database:
        signed, batches = database.execute(
            "SELECT sum(signature_is_verified), count(*) FROM batch").fetchone()
    assert batches > 0
    assert signed == batches


def test_a_collector_that_missed_the_hello_still_has_the_key_for_what_follows(tmp_path):
    """It asks for records because of a retained state, and the hello with the key came before it was there."""
    allow_files()
    roster = make_roster(tmp_path / "made", "--day", "2026-03-24", "--homes", "3", "--style", "borough",
                         "--visits", "3")
    with Broker(tmp_path) as broker:
        collector = Collector(tmp_path, broker.port)
        simulation = start_sim(roster, tmp_path / "played", broker.port, "--timeout", "60", "--sign")
        wait_until((tmp_path / "played" / "roster" / "events.csv").exists, "the roster as played was written")
        time.sleep(1)
        with collector:
            finish(simulation, collector, timeout=90)
            with sqlite3.connect(f"file:{collector.store}?mode=ro", uri=True) as database:
                batches = database.execute("SELECT signature_is_verified FROM batch").fetchall()
    assert batches
    assert {is_verified for is_verified, in batches} == {1}


def test_noise_shows_as_what_it_is(tmp_path):
    roster = make_roster(tmp_path / "made", "--day", "2026-03-24", "--homes", "10")
    out = tmp_path / "played"
    with Broker(tmp_path) as broker, Collector(tmp_path, broker.port) as collector:
        wait_until(collector.store.exists, "the collector made its store")
        finish(start_sim(roster, out, broker.port, "--forgotten", "100", "--timeout", "60"),
               collector, timeout=90)
        collector.stop()
        run(BIN / "ecm-pay", "import", out / "roster", "--store", collector.store)
        run(BIN / "ecm-pay", "reconcile", "--store", collector.store)
        assert {row["status"] for row in feed_of(collector.store)} == {"HELD_NO_OUT"}
        assert {tap.kind for tap in taps_in_store(collector.store)} == {"I"}


def test_nothing_green_is_lost_or_doubled_when_broker_and_collector_are_killed(tmp_path):
    green, kills, did = storm(tmp_path, homes=40, visits=4, kills=3, seed=5, timeout=200)
    assert green > 250
    assert kills == 6
    assert did["power_cuts"] + did["outages"] > 0


def test_a_broker_that_is_not_there_is_waited_for_and_then_said(tmp_path):
    roster = make_roster(tmp_path / "made", "--day", "2026-03-24", "--homes", "2")
    simulation = start_sim(roster, tmp_path / "played", 1, "--timeout", "1")
    out, problems = simulation.communicate(timeout=30)
    assert simulation.returncode == 1
    assert "NOT ACKED" in out
    assert "are not acked after 1 s" in problems


@pytest.mark.parametrize("arguments,word", [
    (["nowhere", "--out", "x"], "period.csv"),
    ([], "ROSTER"),
    (["--make-roster", "x"], "--day"),
    (["r", "--out", "x", "--day", "2026-02-30"], "2026-02-30"),
    (["r", "--out", "x", "--late", "101"], "101"),
    (["r", "--out", "x", "--site", "a/b"], "a/b"),
    (["--make-roster", "x", "--day", "2026-03-28", "--days", "3"], "week"),
])
def test_bad_usage_and_input_are_said_in_a_line_with_exit_status_2(tmp_path, arguments, word):
    done = subprocess.run([str(BIN / "ecm-sim"), *arguments], capture_output=True, text=True,
                          timeout=20, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert word in done.stderr.splitlines()[0]
