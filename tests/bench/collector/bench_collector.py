#!/usr/bin/env python3
"""How many records a second the collector takes, and how far that is from the floor.

Usage: bench_collector.py BUILD_DIR [--homes 1000] [--batches 20] [--records 64] [--window 4]

Starts a mosquitto of its own on a free port, the collector of BUILD_DIR/bin and the load of
BUILD_DIR/tests/bin. Not part of ctest: it wants a quiet machine and a release build.
"""
import argparse
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, seconds=15.0):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise SystemExit("bench: waited in vain")
        time.sleep(0.02)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def numbers(text: str) -> dict:
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", text)}


def cpu_s(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--homes", type=int, default=1000)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--records", type=int, default=64)
    parser.add_argument("--window", type=int, default=4)
    parser.add_argument("--folder", help="where the store is written; decides the disk")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        measure(args, pathlib.Path(name))


def measure(args, folder: pathlib.Path) -> None:
    port = free_port()
    (folder / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        "max_queued_messages 0\nlog_type error\n")
    broker = subprocess.Popen(["mosquitto", "-c", folder / "mosquitto.conf"])
    log = open(folder / "collector.log", "w+")
    collector = None
    try:
        wait_until(lambda: is_listening(port))
        collector = subprocess.Popen(
            [args.build / "bin/ecm-collector", "--store", folder / "store.db",
             "--broker", f"127.0.0.1:{port}"], stderr=log)
        wait_until(lambda: "broker-up" in (folder / "collector.log").read_text())
        load = subprocess.run(
            [args.build / "tests/bin/collector_load", str(port), str(args.homes),
             str(args.batches), str(args.records), str(args.window)],
            check=True, capture_output=True, text=True)
        status = pathlib.Path(f"/proc/{collector.pid}/status").read_text()
        spent = {"collector": cpu_s(collector.pid), "broker": cpu_s(broker.pid)}
        collector.send_signal(signal.SIGTERM)
        collector.wait(20)
    finally:
        for process in filter(None, (collector, broker)):
            process.kill()
            process.wait()
    report(args, folder, numbers(load.stdout), status, spent)


def report(args, folder, load, status, spent) -> None:
    line = [x for x in (folder / "collector.log").read_text().splitlines() if "counts" in x][-1]
    counts = numbers(line)
    per_commit = max(1, counts["batches"] // counts["commits"])
    batches = args.homes * args.batches
    floor = numbers(subprocess.run(
        [args.build / "tests/bin/collector_floor", folder, str(batches),
         str(load["bytes"] // batches), str(per_commit)],
        check=True, capture_output=True, text=True).stdout)
    rate = load["records_per_s"]
    bare = floor["sqlite_batches_per_s"] * args.records
    raw = floor["append_batches_per_s"] * args.records
    rss = {key: int(re.search(rf"{key}:\s+(\d+)", status).group(1)) for key in ("VmHWM", "VmRSS")}
    print(f"records            {load['records']:>12,}  ({args.homes} homes, batches of "
          f"{args.records}, window {args.window}, {load['bytes'] / load['records']:.0f} B each)")
    print(f"sustained          {rate:>12,} records/s, resends {load['resends']}, "
          f"repeated {counts['repeated']}, unverified {counts['unverified']}")
    print(f"commits            {counts['commits']:>12,}  ({counts['records'] / counts['commits']:,.0f} "
          "records each)")
    print(f"bare SQLite        {bare:>12,} records/s, ratio {rate / bare:.2f}")
    print(f"append + fdatasync {raw:>12,} records/s, ratio {rate / raw:.2f}")
    print(f"CPU seconds        collector {spent['collector']:.1f}, broker {spent['broker']:.1f}, "
          f"of {load['ms'] / 1000:.1f} s")
    print(f"collector RSS      peak {rss['VmHWM'] / 1024:.1f} MB, at the end {rss['VmRSS'] / 1024:.1f} MB")


if __name__ == "__main__":
    main()
