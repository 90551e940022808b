#!/usr/bin/env python3
"""How fast a backlog comes home: many gateways -> mosquitto -> one collector, both ends on disk.

    tests/bench/offline/drain.py [--gateways N] [--taps N] [--folder DIR] [--fill-in DIR] [--bin DIR]
                                   [--timed-with CMD]

Each gateway commits its taps one by one while nobody is there; then the broker and the collector
start, and all drain at once, signed, chained, up to 256 records a message, while a carer goes on
tapping at each. Beside it, in the same run, the floor: the same bytes in the same commits into a
bare append-only SQLite table, and by append + fdatasync. Run it in the release build.
"""
import argparse
import contextlib
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "never-loses")]
sys.dont_write_bytecode = True
import offline  # noqa: E402
from faults import held  # noqa: E402
from simlib import Broker, Collector  # noqa: E402


def fill(folder, port, options, fill_in):
    months = []
    for number in range(1, options.gateways + 1):
        home, maker = folder / f"home-{number}", None
        home.mkdir()
        if options.fill_in:
            maker = pathlib.Path(fill_in) / f"home-{number}"
            maker.mkdir()
        months.append(offline.Month(home, options.taps, port, f"gw-drain-{number}", maker))
    for month in months:
        assert month.is_full.wait(offline.LIMIT_S) and month.process.poll() is None
    return months


def commits_of(collector):
    found = re.findall(r"counts records=(\d+) batches=(\d+) commits=(\d+)",
                       collector.log.read_text())
    return [int(x) for x in found[-1]]


def check(store, months):
    """Every log whole, each record once."""
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        whole = db.execute("SELECT count(*), min(first_seq), sum(record_count), max(first_seq"
                           " + record_count - 1), sum(length(bytes)) FROM batch GROUP BY log_id")
        rows = whole.fetchall()
        assert db.execute("SELECT count(*) FROM quarantine").fetchone() == (0,)
        assert db.execute("SELECT min(signature_is_verified) FROM batch").fetchone() == (1,)
    assert len(rows) == len(months)
    assert sorted(row[2] for row in rows) == sorted(m.told["head_seq"] for m in months)
    assert all(row[1] == 1 and row[2] == row[3] for row in rows), "a gap, or a record twice"
    return sum(row[0] for row in rows), sum(row[4] for row in rows)


def floor(folder, batches, size, per_commit):
    said = subprocess.run([str(offline.TOOL / "collector_floor"), str(folder), str(batches),
                           str(size), str(per_commit)], check=True, capture_output=True, text=True)
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", said.stdout)}


def measure(folder, fill_in, options):
    broker = Broker(folder)
    months = fill(folder, broker.port, options, fill_in)
    try:
        with held(options.timed_with), broker, Collector(folder, broker.port) as collector:
            for month in months:
                month.finish()
            peak = re.search(r"VmHWM:\s+(\d+)", pathlib.Path(
                f"/proc/{collector.process.pid}/status").read_text()).group(1)
            collector.stop()
            batches, size = check(collector.store, months)
            records, _, commits = commits_of(collector)
            bare = floor(folder, batches, size // batches, max(1, batches // commits))
    finally:
        for month in months:
            month.process.kill()
    report(options, months, {"records": records, "batches": batches, "commits": commits,
                             "size": size, "peak_kib": int(peak)}, bare)


def report(options, months, seen, bare):
    told = [month.told for month in months]
    drained = sum(t["drained"] for t in told)
    took_s = (max(t["drain_end_us"] for t in told) - min(t["drain_start_us"] for t in told)) / 1e6
    each = seen["records"] / seen["batches"]
    print(f"waiting             {options.gateways} gateways with {options.taps:,} taps each, filled at"
          f" {sum(options.taps * 1000 / t['fill_ms'] for t in told):,.0f} commits/s")
    print(f"drained             {drained:,} records in {took_s:.2f} s: {drained / took_s:,.0f}/s")
    print(f"collector           {seen['batches']:,} batches of {each:.0f} records"
          f" ({seen['size'] / seen['records']:.0f} bytes each) in {seen['commits']:,} commits; peak RSS"
          f" {seen['peak_kib'] / 1024:.1f} MB; each record once, every signature right")
    print("tap to green        p50 "
          + ", ".join(f"{t['green_p50_us'] / 1000:.2f}" for t in told) + " ms; p99 "
          + ", ".join(f"{t['green_p99_us'] / 1000:.2f}" for t in told) + " ms")
    for name, what in (("sqlite", "bare SQLite"), ("append", "append + fdatasync")):
        rate = bare[f"{name}_batches_per_s"] * each
        print(f"{what:19} {rate:,.0f} records/s, ratio {drained / took_s / rate:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gateways", type=int, default=4)
    parser.add_argument("--taps", type=int, default=50_000, help="in each; default 50,000")
    parser.add_argument("--folder", help="where outboxes and store are written; decides the disk")
    parser.add_argument("--fill-in", help="where the taps are made, if not below DIR: in memory, say")
    parser.add_argument("--bin", help="default: build/release/bin")
    parser.add_argument("--timed-with", metavar="CMD", default="",
                        help="hold CMD, which runs its arguments, while it drains ('flock FILE')")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, \
            tempfile.TemporaryDirectory(dir=options.fill_in) as fill_in:
        measure(pathlib.Path(folder), fill_in, options)


if __name__ == "__main__":
    main()
