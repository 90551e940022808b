#!/usr/bin/env python3
"""A noisy day while broker and collector are killed: is every green tap there exactly once?

    chaos.py [--homes N] [--visits N] [--kills N] [--seed N] [--speed N] [--folder DIR]

Kills both with SIGKILL, each --kills times, spread over the day by the taps played so far. Prints
what was done and exits 1 when a single tap is missing, doubled or invented.
"""
import argparse
import json
import pathlib
import random
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
# pylint: disable=wrong-import-position
from simlib import (Broker, Collector, allow_files, assert_each_green_tap_is_there_once,
                    count_in_store, finish, make_roster, start_sim, wait_until)  # noqa: E402


def lines_of(path: pathlib.Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def kill_on_the_way(simulation, truth, taps: int, broker, collector, kills: int, seed: int):
    """Kill and start again, at moments spread over the taps; returns how many kills were made."""
    chance = random.Random(seed)
    moments = [(chance.uniform(0.02, 0.9), what) for what in ("broker", "collector")
               for _ in range(kills)]
    done = 0
    for share, what in sorted(moments):
        while lines_of(truth) < share * taps and simulation.poll() is None:
            time.sleep(0.01)
        if simulation.poll() is not None:
            return done
        victim = broker if what == "broker" else collector
        victim.kill()
        time.sleep(chance.uniform(0, 0.5))
        victim.start()
        done += 1
    return done


def storm(folder: pathlib.Path, homes: int, visits: int, kills: int, seed: int, speed: int = 0,
          timeout: float = 1800):
    """Play a noisy day under kills. Returns (taps green, kills made, what was done)."""
    allow_files()
    roster = make_roster(folder / "made", "--day", "2026-03-23", "--homes", homes, "--style",
                         "borough", "--visits", visits, "--seed", seed)
    out = folder / "played"
    # a slot is two taps; a quarter of the homes need two carers
    expected = homes * visits * 2.4
    with Broker(folder) as broker, Collector(folder, broker.port) as collector:
        wait_until(collector.store.exists, "the collector made its store")
        simulation = start_sim(roster, out, broker.port, "--seed", seed, "--speed", speed,
                               "--timeout", 600, "--noise", "field", "--quiet")
        try:
            made = kill_on_the_way(simulation, out / "truth.csv", expected, broker, collector,
                                   kills, seed)
            finish(simulation, collector, timeout)
        finally:
            if simulation.poll() is None:
                simulation.kill()
        collector.stop()
        green = assert_each_green_tap_is_there_once(out, collector.store)
        assert count_in_store(collector.store, "gap") == 0
        assert count_in_store(collector.store, "quarantine") == 0
    return green, made, json.loads((out / "did.json").read_text())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("homes", 1000), ("visits", 8), ("kills", 5), ("seed", 1), ("speed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--folder", type=pathlib.Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        try:
            green, kills, did = storm(folder, given.homes, given.visits, given.kills, given.seed,
                                      given.speed)
        except AssertionError as problem:
            print(f"chaos: {problem}", file=sys.stderr)
            return 1
    print(f"chaos: {green} green taps, each at the collector exactly once; {kills} kills, "
          f"{did['outages']} outages, {did['power_cuts']} power cuts, "
          f"{time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
