"""Tag readers at real gateways, with a real broker and the real collector.

The readers are processes that run the firmware's session, clock and codec (reader_host); their cable
is a pty. What is shown in every scene: each record is in the collector once, in order, verbatim.
"""
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "gateway"))
from broker import Broker, wait_until  # noqa: E402
from house import Output  # noqa: E402

BIN = pathlib.Path(os.environ["ECM_BIN"])
TOOLS = pathlib.Path(os.environ["ECM_TEST_BIN"])


class Reader:
    """A tag reader: plug(), pull(), tap(), wait(); kill() and start() again."""

    def __init__(self, site, name, **settings):
        self.name = name
        self.folder = site.folder / "readers" / f"{name}-{len(site.readers)}"
        self.folder.mkdir(parents=True)
        self.settings = {"boot": len(site.readers) + 1, **settings}
        self.port = f"tag-{len(site.readers)}"
        self.process = None
        site.readers.append(self)
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [TOOLS / "reader_host", self.name, self.folder,
             *(f"{key}={value}" for key, value in self.settings.items())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, line, timeout=60.0):
        timer = threading.Timer(timeout, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(line + "\n")
            answer = self.process.stdout.readline().strip()
        finally:
            timer.cancel()
        assert answer, f"{self.name}: no answer to {line!r} in {timeout} s"
        return answer

    def plug(self, gateway):
        self.ask(f"plug {gateway.ports / self.port}")

    def pull(self):
        self.ask("pull")

    def tap(self, count=1):
        return int(self.ask(f"tap {count}").split("=")[1])

    def wait(self, what, seq, timeout=60.0):
        self.ask(f"wait {what} {seq}", timeout)

    def status(self):
        text = self.ask("status")
        found = dict(re.findall(r"(\w+)=(\S*)", text.split(" refusal=")[0]))
        found["refusal"] = text.split("refusal=", 1)[1]
        return found

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Gateway:
    """A gateway with ports for tag readers; start() and kill() as often as wanted."""

    def __init__(self, site, name, **settings):
        self.folder = site.folder / name
        self.ports = self.folder / "dev"
        self.ports.mkdir(parents=True)
        self.name = name
        self.conf = self.folder / "gateway.conf"
        self.process = self.log = None
        lines = {"gateway": {"site": "demo", "device": name, "state_dir": self.folder / "state"},
                 "mqtt": {"port": site.broker.port, "backoff_max_s": 1},
                 "feedback": {"type": "none"},
                 "tagreaders": {"devices": f"{self.ports}/tag-*", "budget_mib": 1, **settings}}
        self.conf.write_text("".join(
            f"[{section}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())
            for section, keys in lines.items()))
        site.gateways.append(self)

    def start(self):
        self.process = subprocess.Popen(
            [BIN / "ecm-gateway", "-c", self.conf], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.log = Output(self.process.stderr)
        self.log.expect("starting")
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(timeout=20) == 0


class Site:
    """A broker, a collector, gateways and tag readers."""

    def __init__(self, folder):
        self.folder = folder
        self.broker = Broker(folder).start()
        self.store = folder / "store.db"
        self.gateways, self.readers = [], []
        self.collector = None
        self.start_collector()

    def start_collector(self):
        self.collector = subprocess.Popen(
            [BIN / "ecm-collector", "--store", self.store, "--broker",
             f"127.0.0.1:{self.broker.port}"], stderr=subprocess.PIPE, text=True)
        self.log = Output(self.collector.stderr)
        self.log.expect("broker-up")

    def kill_collector(self):
        self.collector.kill()
        self.collector.wait()

    def rows(self, sql, *values):
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as store:
            return store.execute(sql, values).fetchall()

    def through(self, name):
        return sum(row[0] for row in self.rows(
            "SELECT through_seq FROM log WHERE device_id = ?", name))

    def check(self, name, count, verified=True):
        """Each record once and in order, from batches that follow on; chain and signatures hold."""
        rows = self.rows(
            "SELECT b.first_seq, b.record_count, b.signature_is_verified FROM batch b"
            " JOIN log l USING (log_id) WHERE l.device_id = ? ORDER BY b.batch_id", name)
        at = 1
        for first, records, is_verified in rows:
            assert first == at
            at += records
            assert is_verified == verified
        assert at - 1 >= count
        assert self.rows("SELECT count(*) FROM gap") == [(0,)]
        found = subprocess.run([BIN / "ecm-pay", "verify", "--store", self.store],
                               capture_output=True, text=True, timeout=60)
        assert "faults: 0" in found.stdout, found.stdout + found.stderr

    def stop(self):
        for reader in self.readers:
            reader.stop()
        for gateway in self.gateways:
            gateway.stop()
        self.kill_collector()
        self.broker.stop()


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.stop()


def test_taps_of_a_tag_reader_reach_the_collector_as_its_own(site):
    gateway = Gateway(site, "gw-a").start()
    reader = Reader(site, "PR-0001")
    head = reader.tap(40)
    reader.plug(gateway)
    reader.wait("done", head)
    head = reader.tap(1)
    reader.wait("done", head)
    site.check("PR-0001", head)
    status = reader.status()
    assert status["phase"] == "ready" and status["gateway"] == "gw-a"
    assert site.rows("SELECT gateway_id FROM path") == [("gw-a",)]
    # the kernel of a test machine may not be synchronised: then the reader is not either
    if int(status["trust"]) > 0:
        assert abs(int(status["wall_ms"]) - time.time() * 1000) < 50


def test_a_cable_that_is_pulled_and_a_gateway_that_is_killed_lose_nothing(site):
    gateway = Gateway(site, "gw-a").start()
    reader = Reader(site, "PR-0001", noise=4)
    for turn in range(6):
        reader.plug(gateway)
        head = reader.tap(60)
        time.sleep(0.15 * (turn % 3))
        if turn % 2 == 0:
            reader.pull()
        else:
            gateway.kill()
            gateway.start()
    reader.plug(gateway)
    head = reader.tap(1)
    reader.wait("done", head)
    site.check("PR-0001", head)


def test_a_tag_reader_that_moves_in_the_middle_of_a_drain(site):
    first, second = Gateway(site, "gw-a").start(), Gateway(site, "gw-b").start()
    reader = Reader(site, "PR-0001", baud=115200)
    head = reader.tap(400)
    reader.plug(first)
    reader.wait("held", 60)
    reader.pull()
    reader.plug(second)
    head = reader.tap(5)
    reader.wait("done", head)
    site.check("PR-0001", head)
    # and back again, with other borders of batches
    reader.pull()
    head = reader.tap(7)
    reader.plug(first)
    reader.wait("done", head)
    site.check("PR-0001", head)
    assert {row[0] for row in site.rows("SELECT gateway_id FROM path")} == {"gw-a", "gw-b"}


def test_a_gateway_that_dies_for_good_with_records_it_held(site):
    """Held is not done: the reader still has what the dead gateway took."""
    first, second = Gateway(site, "gw-a").start(), Gateway(site, "gw-b").start()
    reader = Reader(site, "PR-0001")
    site.broker.kill()
    head = reader.tap(100)
    reader.plug(first)
    reader.wait("held", head)
    assert int(reader.status()["done"]) == 0
    first.kill()
    reader.pull()
    site.broker.start()
    reader.plug(second)
    reader.wait("done", head)
    site.check("PR-0001", head)


def test_a_gateway_that_comes_back_with_records_that_others_brought_meanwhile(site):
    first, second = Gateway(site, "gw-a").start(), Gateway(site, "gw-b").start()
    reader = Reader(site, "PR-0001")
    site.broker.kill()
    head = reader.tap(50)
    reader.plug(first)
    reader.wait("held", head)
    first.kill()
    reader.pull()
    site.broker.start()
    head = reader.tap(30)
    reader.plug(second)
    reader.wait("done", head)
    first.start()
    wait_until(lambda: sqlite3.connect(f"file:{first.folder}/state/relay.db?mode=ro", uri=True)
               and first.process.poll() is None, "gw-a runs")
    reader.pull()
    head = reader.tap(3)
    reader.plug(first)
    reader.wait("done", head)
    site.check("PR-0001", head)


def test_a_second_tag_reader_of_the_same_name_is_refused_and_loses_nothing(site):
    gateway = Gateway(site, "gw-a").start()
    first = Reader(site, "PR-0001")
    head = first.tap(10)
    first.plug(gateway)
    first.wait("done", head)
    second = Reader(site, "PR-0001", epoch=8)
    second.tap(5)
    second.plug(gateway)
    wait_until(lambda: second.status()["phase"] == "refused", "it is refused")
    assert second.status()["code"] in ("2", "3")
    assert "tag reader of this name" in second.status()["refusal"]
    gateway.log.expect("event=tag-reader-")
    head = first.tap(3)
    first.wait("done", head)
    assert int(second.status()["held"]) == 0
    site.check("PR-0001", head)
    assert len(site.rows("SELECT 1 FROM log WHERE device_id = 'PR-0001'")) == 1


@pytest.mark.parametrize("versions,is_served", [((1, 9), True), ((2, 3), False)])
def test_another_version_of_the_protocol_is_served_as_far_as_both_know(site, versions, is_served):
    gateway = Gateway(site, "gw-a").start()
    reader = Reader(site, "PR-0001", protocol_min=versions[0], protocol_max=versions[1])
    head = reader.tap(5)
    reader.plug(gateway)
    if is_served:
        reader.wait("done", head)
        site.check("PR-0001", head)
    else:
        wait_until(lambda: reader.status()["phase"] == "refused", "it is refused")
        assert "versions 2 to 3" in reader.status()["refusal"]
        gateway.log.expect("event=tag-reader-version")


def test_twenty_tag_readers_at_one_gateway(site):
    gateway = Gateway(site, "gw-a").start()
    readers = [Reader(site, f"PR-{i:04}") for i in range(20)]
    heads = [reader.tap(30) for reader in readers]
    for reader in readers:
        reader.plug(gateway)
    for reader, head in zip(readers, heads):
        reader.wait("done", head)
    for reader, head in zip(readers, heads):
        site.check(reader.name, head)


def test_a_collector_restored_from_a_backup_gets_relayed_records_again(site, tmp_path):
    gateway = Gateway(site, "gw-a").start()
    reader = Reader(site, "PR-0001")
    head = reader.tap(40)
    reader.plug(gateway)
    reader.wait("done", head)
    site.kill_collector()
    backup = tmp_path / "backup.db"
    with sqlite3.connect(site.store) as store:
        store.execute("VACUUM INTO ?", (str(backup),))
    site.start_collector()
    head = reader.tap(60)
    reader.wait("done", head)
    site.kill_collector()
    for file in tmp_path.glob("store.db*"):
        file.unlink()
    backup.rename(site.store)
    site.start_collector()
    head = reader.tap(1)
    reader.wait("done", head)
    wait_until(lambda: site.through("PR-0001") >= head, "all is back", 90)
    site.check("PR-0001", head)


def test_a_full_gateway_keeps_what_it_holds_and_the_tag_reader_the_rest(site):
    gateway = Gateway(site, "gw-a").start()
    site.broker.kill()
    reader = Reader(site, "PR-0001")
    head = reader.tap(20000)
    reader.plug(gateway)
    wait_until(lambda: reader.status()["full"] == "1", "it is full", 120)
    gateway.log.expect("event=relay-full")
    held = int(reader.status()["held"])
    assert 1000 < held < head
    site.broker.start()
    reader.wait("done", head, 120)
    site.check("PR-0001", head)
