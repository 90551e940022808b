"""What the tests of a whole simulated day share: programs, the store read from outside, the truth.

The store is read with a small protobuf reader of its own, not with the product's code: what is
compared with the truth should not come through what is being tested.
"""
import collections
import csv
import os
import pathlib
import resource
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from broker import Broker, wait_until  # noqa: E402, F401 pylint: disable=wrong-import-position

ROOT = pathlib.Path(os.environ.get("ECM_SOURCE", pathlib.Path(__file__).resolve().parents[3]))
BIN = pathlib.Path(os.environ.get("ECM_BIN", ROOT / "build" / "release" / "bin"))

Tap = collections.namedtuple("Tap", "device epoch seq uid kind bounce")


# ---- programs -----------------------------------------------------------------------------------

def run(*arguments, timeout=600, **more) -> subprocess.CompletedProcess:
    """Run to the end; a failure shows what the program said."""
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True,
                          timeout=timeout, check=False, **more)
    assert done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def allow_files(count: int = 16384):
    """A broker with a thousand sessions needs a socket for each; children inherit the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE,
                           (count if hard == resource.RLIM_INFINITY else min(count, hard), hard))


class Collector:
    """ecm-collector on one store; start(), kill() (SIGKILL) and stop() as often as wanted."""

    def __init__(self, folder: pathlib.Path, port: int):
        self.store = folder / "collector.db"
        self.log = folder / "collector.log"
        self.port = port
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(BIN / "ecm-collector"), "--store", str(self.store),
                 "--broker", f"127.0.0.1:{self.port}"], stdout=log, stderr=log)
        return self

    def _end(self, with_signal) -> int:
        code = 0
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(with_signal)
            code = self.process.wait(timeout=30)
        self.process = None
        return code

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self._end(signal.SIGKILL)

    def stop(self):
        assert self._end(signal.SIGTERM) == 0, self.log.read_text()[-2000:]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()


def start_sim(roster, out, port: int, *options) -> subprocess.Popen:
    return subprocess.Popen(
        [str(BIN / "ecm-sim"), str(roster), "--out", str(out), "--port", str(port),
         *map(str, options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(simulation: subprocess.Popen, collector: Collector, timeout: float = 300) -> str:
    """Wait for the simulation; not longer than the collector lives, without which it cannot end."""
    end = time.monotonic() + timeout
    while simulation.poll() is None:
        if not collector.is_alive() or time.monotonic() > end:
            simulation.kill()
            out, problems = simulation.communicate()
            raise AssertionError(f"the collector ended or {timeout} s were not enough\n{out}"
                                 f"{problems}{collector.log.read_text()[-2000:]}")
        time.sleep(0.02)
    out, problems = simulation.communicate()
    assert simulation.returncode == 0, f"exit {simulation.returncode}\n{out}{problems}"
    return out


def make_roster(folder, *options):
    run(BIN / "ecm-sim", "--make-roster", folder, *options)
    return folder


# ---- the store, read from outside ---------------------------------------------------------------

def _varint(data: bytes, at: int):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data: bytes):
    """(number, value) of each field of a protobuf message; values are ints or bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 == 0:
            value, at = _varint(data, at)
        elif key & 7 == 1:
            value, at = int.from_bytes(data[at:at + 8], "little"), at + 8
        else:
            assert key & 7 == 2, key
            size, at = _varint(data, at)
            value, at = data[at:at + size], at + size
        yield key >> 3, value


def _tap(device: str, epoch: int, record: bytes):
    """The tap in a record, or None."""
    parts = dict(fields(record))
    if 10 not in parts:
        return None
    tap = dict(fields(parts[10]))
    return Tap(device, f"{epoch:016x}", parts[1], tap[2].hex().upper(),
               {1: "I", 2: "O"}[tap[5]], bool(tap.get(6, 0) & 1))


def taps_in_store(store) -> list[Tap]:
    """Every tap that the collector has, in the order in which it came. A message may begin with records
    that an earlier one had; the last record_count of it are those that count."""
    taps = []
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
        for message, count in database.execute("SELECT bytes, record_count FROM batch ORDER BY batch_id"):
            batch = dict(fields(message))[2]
            header = dict(fields(batch))
            records = [value for number, value in fields(batch) if number == 4]
            for value in records[-count:]:
                tap = _tap(header[1].decode(), header.get(2, 0), value)
                if tap is not None:
                    taps.append(tap)
    return taps


def count_in_store(store, table: str) -> int:
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


# ---- the truth ----------------------------------------------------------------------------------

def rows(path) -> list[dict]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def green_taps(out) -> list[Tap]:
    """What carers saw stored."""
    return [Tap(r["device_id"], r["epoch"], int(r["seq"]), r["card_uid"], r["kind"],
                bool(int(r["flags"]) & 1)) for r in rows(pathlib.Path(out) / "truth.csv")]


def assert_each_green_tap_is_there_once(out, store) -> int:
    """Returns how many there were."""
    green = green_taps(out)
    stored = collections.Counter(taps_in_store(store))
    missing = [tap for tap in green if stored[tap] == 0]
    doubled = [tap for tap, count in stored.items() if count > 1]
    invented = set(stored) - set(green)
    assert not missing, f"{len(missing)} green taps are not in the collector, e.g. {missing[:3]}"
    assert not doubled, f"{len(doubled)} taps are there more than once, e.g. {doubled[:3]}"
    assert not invented, f"{len(invented)} taps nobody saw green, e.g. {list(invented)[:3]}"
    return len(green)


def now() -> int:
    return int(time.time())
