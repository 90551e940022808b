#!/usr/bin/env python3
"""30 days without a collector: a million taps wait in one gateway, then drain.

    tests/bench/offline/offline.py [--taps N] [--folder DIR] [--bin DIR] [--fill-in DIR]
                                     [--timed-with CMD]

The outbox and the store lie below DIR (default: the temporary folder): name one on the disk that
you want to know about; every tap is one commit. The programs are those of the release build.
Prints what was seen and fails when a tap is missing, double or out of order, or memory grew with
the backlog.
"""
import argparse
import contextlib
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
if "--bin" in sys.argv[:-1]:  # before simlib looks at it; without: build/release/bin
    os.environ["ECM_BIN"] = sys.argv[sys.argv.index("--bin") + 1]
if __name__ == "__main__":
    sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests/integration/sim"), str(ROOT / "tests/integration/broker"),
                str(ROOT / "tests/bench/never-loses")]
from faults import held  # noqa: E402
from simlib import BIN, Broker, Collector, fields  # noqa: E402
from states import StateWatch  # noqa: E402

TOOL = pathlib.Path(os.environ.get("ECM_TEST_BIN", BIN.parent / "tests" / "bin"))
LIMIT_S = 1800
RECORD_TAP = 10


class Month:
    """One run of offline_gateway: what it told, and what it said while it drained."""

    def __init__(self, folder, taps, port, device="gw-offline", fill_in=None):
        self.told = {}
        self.progress = []
        self.is_full = threading.Event()
        self.process = subprocess.Popen(
            [str(TOOL / "offline_gateway"), str(folder), str(port), str(taps), device,
             *([str(fill_in)] if fill_in else [])],
            stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            name, *values = line.split()
            if name == "progress":
                self.progress.append([int(v) for v in values])
            elif values:
                self.told[name] = int(values[0])
            if name == "full":
                self.is_full.set()
        self.is_full.set()

    def finish(self):
        code = self.process.wait(LIMIT_S)
        self.reader.join(10)
        assert code == 0, f"offline_gateway: exit {code}"


def taps_in_order(store):
    """Number of each tap at the collector, in the order of its batches; checks the seqs on the way."""
    numbers, expected = [], 1
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        assert db.execute("SELECT count(*) FROM log").fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM gap").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM quarantine").fetchone() == (0,)
        for first_seq, count, data in db.execute(
                "SELECT first_seq, record_count, bytes FROM batch ORDER BY batch_id"):
            assert first_seq == expected, f"seq {first_seq} where {expected} was due"
            batch = dict(fields(data))[2]
            records = [value for number, value in fields(batch) if number == 4]
            records = records[-count:]  # it may begin with records that an earlier one had
            assert len(records) == count
            for record in records:
                parts = dict(fields(record))
                assert parts[1] == expected
                expected += 1
                if RECORD_TAP in parts:
                    uid = dict(fields(parts[RECORD_TAP]))[2]
                    numbers.append(int.from_bytes(uid[3:], "big"))
    return numbers, expected - 1


def run(folder, taps, fill_in=None, timed_with=""):
    """Fill, drain, look. What was told, progress as it was published, and the numbers of the taps."""
    folder = pathlib.Path(folder)
    broker = Broker(folder)
    month = Month(folder, taps, broker.port, fill_in=fill_in)
    try:
        assert month.is_full.wait(LIMIT_S) and month.process.poll() is None
        with held(timed_with), broker, StateWatch(broker.port, "ecm/v1/bench/gw-offline/state") as watch:
            started = time.monotonic()
            with Collector(folder, broker.port) as collector:
                month.finish()
                month.told["wall_s"] = round(time.monotonic() - started, 1)
                collector.stop()
        numbers, through = taps_in_order(collector.store)
    finally:
        month.process.kill()
    return month, watch.states, numbers, through


def verify(month, states, numbers, through, taps):
    told = month.told
    assert told["taps_refused"] == told["refused_lights"] == 0
    wrong = [(at + 1, number) for at, number in enumerate(numbers) if number != at + 1]
    assert not wrong and len(numbers) == told["taps"], f"{told['taps']} taps: {wrong[:5]}"
    assert through == told["head_seq"]
    assert told["taps"] > taps, "nobody tapped while it drained"
    # Memory: the page cache of SQLite and the queue of the session, but nothing for each record.
    # AddressSanitizer keeps what was freed for a while, so there the figure says nothing.
    grown = told["anon_kib_full"] - told["anon_kib_empty"]
    is_sanitized = b"__asan_init" in (TOOL / "offline_gateway").read_bytes()
    assert is_sanitized or grown < 1024, f"{grown} KiB more with {taps} taps waiting"
    most = max(p[4] for p in month.progress)
    assert is_sanitized or most - told["anon_kib_empty"] < 8192, f"{most} KiB while draining"
    # A person who looks at the retained state sees how far it is and how long it will take.
    moving = [s for s in states if 0 < s["acked_seq"] < s["head_seq"]]
    return grown, most, moving


def report(month, states, numbers, through, taps):
    told = month.told
    grown, most, moving = verify(month, states, numbers, through, taps)
    rate = told["drained"] * 1000 / max(1, told["drain_ms"])
    print(f"taps waiting              {taps:,} over 30 days, one commit each; filled in"
          f" {told['fill_ms'] / 1000:.1f} s ({taps * 1000 / told['fill_ms']:,.0f}/s)")
    print(f"on disk                   {told['disk_bytes'] / 2**20:.1f} MiB with its WAL,"
          f" {told['outbox_bytes'] / taps:.0f} bytes a tap; budget"
          f" {told['outbox_bytes_max'] / 2**20:.0f} MiB holds"
          f" {told['outbox_bytes_max'] * taps / told['outbox_bytes']:,.0f}")
    print("RSS (private)             "
          + ", ".join(f"{when} {told[f'rss_kib_{when}']:,} ({told[f'anon_kib_{when}']:,}) KiB"
                      for when in ("empty", "full", "reopened", "drained"))
          + f"; most while draining ({most:,})")
    print(f"start with that outbox    {told['reopen_ms'] / 1000:.2f} s")
    print(f"drained                   {told['drained']:,} in {told['drain_ms'] / 1000:.1f} s:"
          f" {rate:,.0f} taps/s")
    print(f"tap to green meanwhile    p50 {told['green_p50_us'] / 1000:.2f} ms,"
          f" p99 {told['green_p99_us'] / 1000:.2f} ms, max {told['green_max_us'] / 1000:.2f} ms"
          f" of {told['green_samples']:,}")
    print(f"states on the way         {len(moving)}; time left as published:"
          f" {[s['drain_eta_s'] for s in moving][:12]} s")
    print(f"at the collector          {len(numbers):,} taps, in order, each once; lost 0, double 0")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--taps", type=int, default=1_000_000)
    parser.add_argument("--folder", default=None)
    parser.add_argument("--bin", help="default: build/release/bin")
    parser.add_argument("--fill-in", help="where the taps are made, if not below DIR: in memory, "
                        "say; then the full outbox is copied to DIR")
    parser.add_argument("--timed-with", metavar="CMD", default="",
                        help="hold CMD, which runs its arguments, while it drains ('flock FILE')")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, \
            tempfile.TemporaryDirectory(dir=options.fill_in) as fill_in:
        report(*run(folder, options.taps, fill_in if options.fill_in else None,
                    options.timed_with), options.taps)


if __name__ == "__main__":
    main()
