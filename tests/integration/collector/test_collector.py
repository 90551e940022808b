"""The collector as a process, against a real mosquitto: killed, starved, asked for verdicts."""
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import time

import pytest

BIN = pathlib.Path(os.environ["ECM_BIN"])
TOOLS = pathlib.Path(os.environ["ECM_TEST_BIN"])
TINY = pathlib.Path(os.environ["ECM_SOURCE"]) / "tests/data/reference/tiny"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, seconds=20.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Site:
    """A broker and a collector that can be killed and started again."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.store = folder / "store.db"
        self.log = folder / "collector.log"
        self.broker = self.collector = None
        (folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            "max_queued_messages 0\nlog_type error\n")

    def start_broker(self):
        self.broker = subprocess.Popen(["mosquitto", "-c", self.folder / "mosquitto.conf"])
        wait_until(lambda: is_listening(self.port))

    def start_collector(self, store=None):
        before = self.log.read_text().count("broker-up") if self.log.exists() else 0
        with open(self.log, "a") as log:
            self.collector = subprocess.Popen(
                [BIN / "ecm-collector", "--store", store or self.store,
                 "--broker", f"127.0.0.1:{self.port}"], stderr=log)
        if self.broker is not None:
            wait_until(lambda: self.log.read_text().count("broker-up") > before)

    def kill(self, name):
        process = getattr(self, name)
        process.kill()
        process.wait()
        setattr(self, name, None)

    def stop(self):
        for process in filter(None, (self.collector, self.broker)):
            process.kill()
            process.wait()

    def tap(self, device, *taps, epoch=1):
        subprocess.run([TOOLS / "collector_tap", str(self.port), "home", device, str(epoch),
                        *taps], check=True, timeout=30)

    def rows(self, sql, *values):
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as store:
            return store.execute(sql, values).fetchall()


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    yield made
    made.stop()


def assert_each_record_once(site, homes, records):
    rows = site.rows("SELECT l.device_id, b.first_seq, b.record_count, l.through_seq FROM log l"
                     " JOIN batch b USING (log_id) ORDER BY b.log_id, b.first_seq")
    following = {}
    marks = {}
    for device, first, count, through in rows:
        assert first == following.get(device, 1)
        following[device] = first + count
        marks[device] = through
    assert len(marks) == homes
    assert set(marks.values()) == {records}
    assert set(following.values()) == {records + 1}


def test_every_record_is_there_once_though_broker_and_collector_are_killed(site):
    homes, batches, size = 20, 150, 8
    site.start_broker()
    site.start_collector()
    load = subprocess.Popen([TOOLS / "collector_load", str(site.port), str(homes), str(batches),
                             str(size), "2"], stdout=subprocess.PIPE, text=True)
    for kill in range(6):
        goal = len(site.rows("SELECT 1 FROM batch")) + 60
        wait_until(lambda: load.poll() is not None
                   or len(site.rows("SELECT 1 FROM batch")) >= goal, 60)
        if kill % 2 == 0:
            site.kill("collector")
            site.start_collector()
        else:
            site.kill("broker")
            site.start_broker()
    assert load.wait(120) == 0
    site.collector.send_signal(signal.SIGTERM)
    assert site.collector.wait(20) == 0
    assert_each_record_once(site, homes, batches * size)


def test_collector_waits_for_a_broker_and_says_so_once(site):
    site.start_collector()
    wait_until(lambda: "broker-down" in site.log.read_text())
    site.start_broker()
    site.tap("GW-1", "04ABCDEF:I:1603100000")
    assert site.log.read_text().count("broker-down") == 1
    assert site.rows("SELECT through_seq FROM log") == [(1,)]


def test_malformed_message_is_kept_and_the_next_one_is_taken(site):
    site.start_broker()
    site.start_collector()
    subprocess.run(["mosquitto_pub", "-p", str(site.port), "-t", "ecm/v1/home/GW-9/up", "-m",
                    "no protobuf at all"], check=True)
    site.tap("GW-1", "04ABCDEF:I:1603100000")
    assert site.rows("SELECT topic, bytes FROM quarantine") == [
        ("ecm/v1/home/GW-9/up", b"no protobuf at all")]


def test_stop_is_clean_and_a_bad_option_is_status_two(site):
    site.start_broker()
    site.start_collector()
    site.collector.send_signal(signal.SIGTERM)
    assert site.collector.wait(20) == 0
    assert "event=stopped" in site.log.read_text()
    for arguments in (["--no-such"], ["extra"], ["--broker", "host:99999"],
                      ["-c", "/nowhere/at/all"]):
        bad = subprocess.run([BIN / "ecm-collector", *arguments], capture_output=True, text=True)
        assert bad.returncode == 2, arguments
        assert bad.stderr.strip()
    printed = subprocess.run([BIN / "ecm-collector", "-p"], capture_output=True, text=True,
                             env={**os.environ, "XDG_STATE_HOME": str(site.folder)})
    assert printed.returncode == 0 and "port" in printed.stdout


def test_full_disk_stops_acknowledging_and_recovers_by_itself(site):
    disk = site.folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk],
                      capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a small disk")
    try:
        site.store = disk / "store.db"
        site.start_broker()
        site.start_collector()
        site.tap("GW-1", "04ABCDEF:I:1603100000")
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(18 << 20))
        failed = subprocess.Popen([TOOLS / "collector_tap", str(site.port), "home", "GW-2", "1",
                                   "04ABCDEF:I:1603100000"], stdout=subprocess.PIPE, text=True)
        wait_until(lambda: "event=store-full" in site.log.read_text())
        assert failed.poll() is None
        ballast.unlink()
        assert failed.wait(30) == 0
        assert site.log.read_text().count("event=store-full") == 1
        wait_until(lambda: "event=store-ok" in site.log.read_text())
        assert site.rows("SELECT count(*) FROM log WHERE through_seq = 1") == [(2,)]
        site.kill("collector")
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def statuses(site, visit):
    return [json.loads(line)["status"] for (line,) in
            site.rows("SELECT line FROM verdict WHERE visit_id = ?", visit)]


def test_late_tap_changes_the_verdict_within_a_second(site):
    site.start_broker()
    site.start_collector()
    imported = site.folder / "tiny"
    imported.mkdir()
    for file in TINY.glob("*.csv"):
        if file.name not in ("events.csv", "amendments.csv"):
            (imported / file.name).write_bytes(file.read_bytes())
    # V0000002: S00013, home H00013, one carer P3-C001, from 1603088100. Real tags have 7 bytes.
    card = "04636F3FA51180"
    (imported / "cards.csv").write_text(
        "card_uid,carer_id,valid_from_utc,valid_to_utc\n" f"{card},P3-C001,0,1099511627776\n")
    subprocess.run([BIN / "ecm-pay", "import", imported, "--store", site.store], check=True,
                   timeout=60)
    wait_until(lambda: statuses(site, "V0000002") == ["MISSED"])
    site.tap("H00013", f"{card}:I:1603088100")
    start = time.monotonic()
    wait_until(lambda: statuses(site, "V0000002") == ["HELD_NO_OUT"], 5)
    took = time.monotonic() - start
    site.tap("H00013", f"{card}:I:1603088100", f"{card}:O:1603089000", epoch=2)
    wait_until(lambda: statuses(site, "V0000002") == ["OK"], 5)
    assert took < 1.0
    versions = [version for (version,) in site.rows("SELECT version FROM verdict")]
    assert len(versions) == len(set(versions))
