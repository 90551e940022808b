#!/usr/bin/env python3
"""Play a published roster end to end and compare the payment feed with what was expected.

    play_roster.py ROSTER_DIR...

Each folder holds the files of a roster and run2/slots.csv, the expected verdict of each slot. The
visits are played through simulated readers, gateways, a real mosquitto and ecm-collector; the slots
that ecm-pay then makes must be the expected ones, row by row as sets, and so must the feed. Exits 1
when anything differs.
"""
import argparse
import json
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
# pylint: disable=wrong-import-position
from simlib import (BIN, Broker, Collector, allow_files,  # noqa: E402
                    assert_each_green_tap_is_there_once, finish, now, rows, run, start_sim,
                    wait_until)


def as_set(table) -> set:
    return {tuple(sorted(row.items())) for row in table}


def play(roster: pathlib.Path, folder: pathlib.Path, *options) -> pathlib.Path:
    """Play roster into a store in folder; returns the store."""
    out = folder / "played"
    with Broker(folder) as broker, Collector(folder, broker.port) as collector:
        wait_until(collector.store.exists, "the collector made its store")
        finish(start_sim(roster, out, broker.port, "--timeout", 120, "--quiet", *options),
               collector)
        collector.stop()
        assert_each_green_tap_is_there_once(out, collector.store)
        return collector.store


def slots_of_run(store: pathlib.Path, folder: pathlib.Path, period: str) -> list[dict]:
    run(BIN / "ecm-pay", "import", folder / "played" / "roster", "--store", store)
    run(BIN / "ecm-pay", "run", "--store", store, "--period", period, "--as-of", now(), "--models",
        "A,B,C", "--out", folder / "run")
    return rows(folder / "run" / "slots.csv")


def feed_of(store: pathlib.Path) -> list[dict]:
    run(BIN / "ecm-pay", "reconcile", "--store", store)
    lines = run(BIN / "ecm-pay", "feed", "--store", store).stdout.splitlines()
    return [json.loads(line) for line in lines]


def compare(roster: pathlib.Path, folder: pathlib.Path) -> str:
    """One line of what was equal; AssertionError names what was not."""
    expected = rows(roster / "run2" / "slots.csv")
    period = rows(roster / "period.csv")[0]["period_id"]
    started = time.monotonic()
    store = play(roster, folder)
    slots = slots_of_run(store, folder, period)
    missing, extra = as_set(expected) - as_set(slots), as_set(slots) - as_set(expected)
    assert not missing and not extra, \
        f"slots differ: expected {list(missing)[:2]}, got {list(extra)[:2]}"
    statuses = {row["status"] for row in slots}
    assert statuses == {"OK"}, f"not all visits are OK: {statuses}"
    unplanned = rows(folder / "run" / "unplanned.csv")
    assert not unplanned, f"{len(unplanned)} unplanned attendances"
    feed = {(row["visit_id"], str(row["slot"]), row["status"], row["carer_id"])
            for row in feed_of(store)}
    wanted = {(row["visit_id"], row["slot"], row["status"], row["carer_id"]) for row in expected}
    assert feed == wanted, f"feed differs: {list(feed ^ wanted)[:3]}"
    did = json.loads((folder / "played" / "did.json").read_text())
    return (f"{roster.name}: {did['visits']} visits, {len(slots)} slots all OK, 0 missed, "
            f"0 unplanned, slots and feed as expected, {did['taps_green']} taps, "
            f"{time.monotonic() - started:.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("rosters", metavar="ROSTER_DIR", nargs="+",
                        help="a folder with a roster and run2/slots.csv")
    allow_files()
    failed = 0
    for name in parser.parse_args().rosters:
        with tempfile.TemporaryDirectory() as folder:
            try:
                print(compare(pathlib.Path(name), pathlib.Path(folder)), flush=True)
            except AssertionError as problem:
                failed += 1
                print(f"{pathlib.Path(name).name}: {problem}", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
