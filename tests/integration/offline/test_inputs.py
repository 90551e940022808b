"""Case and button, from the contact to the people who must know; and the collector's own numbers."""
import contextlib
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import time

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / part) for part in ("gateway", "lib")]
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from house import BIN, Broker, Home, Output, wait_until  # noqa: E402
from test_watched import metrics  # noqa: E402


class Site:
    """A broker, a collector with numbers on a socket, and somebody who listens for alerts."""

    def __init__(self, folder):
        self.folder = folder
        self.store = folder / "store.db"
        self.socket = folder / "collector.socket"
        self.broker = Broker(folder)
        self.broker.start()
        self.port = self.broker.port
        self.collector = self.log = None
        self.listener = subprocess.Popen(
            ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.port), "-t", "ecm/v1/demo/alert",
             "-F", "%t %x"], stdout=subprocess.PIPE, text=True)
        self.alerts = Output(self.listener.stdout)

    def start_collector(self, **settings):
        values = {"collector.store": self.store, "metrics.socket": self.socket,
                  "broker.port": self.port, **settings}
        text = "".join(f"[{key.split('.')[0]}]\n{key.split('.')[1]} = {value}\n"
                       for key, value in values.items())
        (self.folder / "collector.conf").write_text(text)
        self.collector = subprocess.Popen(
            [BIN / "ecm-collector", "-c", self.folder / "collector.conf"],
            stderr=subprocess.PIPE, text=True)
        self.log = Output(self.collector.stderr)
        self.log.expect("broker-up")

    def stop_collector(self):
        if self.collector is not None:
            self.collector.terminate()
            assert self.collector.wait(30) == 0
            self.collector = None

    def ask(self, *arguments):
        done = subprocess.run([BIN / "ecm-collector", "--store", self.store, *arguments],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stop(self):
        self.stop_collector()
        self.listener.kill()
        self.listener.wait()
        self.broker.stop()


@pytest.fixture(name="site")
def made_site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.stop()


def home_with_inputs(folder, port):
    (folder / "case").write_text("0\n")  # closed
    (folder / "assist").write_text("1\n")  # let go
    return Home(folder, port, **{"inputs.case": f"file:{folder}/case",
                                 "inputs.assist": f"file:{folder}/assist"})


def move(folder, name, level):
    # In place: the gateway has the file open.
    with open(folder / name, "r+", encoding="ascii") as line:
        line.write(f"{level}\n")


def test_a_press_reaches_people_when_there_is_a_way_and_with_its_own_time(site, tmp_path):
    home = home_with_inputs(tmp_path, site.port).start()
    site.start_collector()
    home.tap("04A1B2C3D4E5F6")
    move(tmp_path, "assist", 0)
    home.shown.expect("call for help stored")
    site.log.expect("event=help-called")
    site.alerts.expect(b"help-called".hex())
    move(tmp_path, "assist", 1)
    site.log.expect("state=ended")

    # Nobody there: the press waits in the outbox, and its time with it.
    site.stop_collector()
    site.broker.stop()
    time.sleep(1)
    move(tmp_path, "case", 1)
    home.log.expect("event=case-opened")
    site.broker.start()
    site.start_collector()
    site.log.expect("event=case-opened")
    wait_until(lambda: metrics(site.socket)["ecm_collector_case_openings_total"] == 1, "counted")
    lines = [line.split("\t") for line in site.ask("--inputs").splitlines()]
    assert lines[0] == ["at", "uncertainty_ms", "device", "what", "state", "received", "told",
                        "epoch", "seq"]
    assert [line[2:5] + line[6:7] for line in lines[1:]] == [
        ["gw-test", "button", "pressed", "yes"], ["gw-test", "button", "let-go", "yes"],
        ["gw-test", "case", "opened", "yes"]]
    home.stop()
    # In the log once, whatever it finds at its next start.
    home.start()
    home.tap("04A1B2C3D4E5F7")
    home.stop()
    assert len(site.ask("--inputs").splitlines()) == 4


def test_a_gateway_without_the_line_takes_taps_and_says_so(site, tmp_path):
    home = Home(tmp_path, site.port, **{"inputs.assist": "no-such-chip:5"}).start()
    home.log.expect("event=input-fault")
    home.tap("04A1B2C3D4E5F6")
    assert home.log.count("input-fault") == 1
    assert home.stop() == 0


def test_the_collector_tells_its_numbers(site, tmp_path):
    site.start_collector()
    home = home_with_inputs(tmp_path, site.port).start()
    seq = home.tap("04A1B2C3D4E5F6")
    wait_until(lambda: metrics(site.socket)["ecm_collector_records_total"] >= seq, "stored")
    now = metrics(site.socket)
    assert now["ecm_collector_broker_up"] == 1 and now["ecm_collector_store_ok"] == 1
    assert now["ecm_collector_devices"] == 1
    assert now["ecm_collector_records_awaited"] == 0
    assert now["ecm_collector_commit_seconds_count"] >= 1
    assert now['ecm_collector_commit_seconds_bucket{le="+Inf"}'] == now[
        "ecm_collector_commit_seconds_count"]
    assert now["ecm_collector_store_bytes"] > 8192
    assert now["ecm_collector_quarantine_bytes_max"] == 64 << 20
    assert now["ecm_collector_io_age_milliseconds"] < 30000
    home.kill()
    wait_until(lambda: metrics(site.socket)["ecm_collector_devices_offline"] == 1, "its will")
    home.stop()


def test_a_full_quarantine_turns_away_counts_and_can_be_taken_out(site, tmp_path):
    site.start_collector(**{"collector.quarantine_mib": 1})
    junk = os.urandom(60000)
    (tmp_path / "junk").write_bytes(junk)
    for _ in range(25):
        subprocess.run(["mosquitto_pub", "-p", str(site.port), "-t", "ecm/v1/demo/GW-9/up", "-f",
                        tmp_path / "junk"], check=True, timeout=30)
    site.log.expect("event=quarantine-full")
    site.alerts.expect(b"quarantine-full".hex())
    wait_until(lambda: metrics(site.socket)["ecm_collector_quarantined_total"] == 25, "all arrived")
    full = metrics(site.socket)
    kept = full["ecm_collector_quarantine_messages"]
    assert 0 < full["ecm_collector_quarantine_bytes"] <= 1 << 20
    assert full["ecm_collector_quarantine_turned_away_total"] == 25 - kept
    out = tmp_path / "out"
    out.mkdir()
    assert site.ask("--take-quarantine", out) == f"{kept} messages taken to {out}\n"
    index = (out / "index.tsv").read_text().splitlines()
    assert index[0] == "file\treceived\tbytes\ttopic\treason"
    assert len(index) == kept + 1
    for line in index[1:]:
        name, at, size, topic, reason = line.split("\t")
        assert (out / name).read_bytes() == junk
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", at)
        assert (int(size), topic) == (60000, "ecm/v1/demo/GW-9/up") and reason
    after = metrics(site.socket)
    assert after["ecm_collector_quarantine_messages"] == 0
    assert after["ecm_collector_quarantine_turned_away_total"] == 25 - kept
    with contextlib.closing(sqlite3.connect(site.store)) as db:
        assert db.execute("SELECT count(*) FROM quarantine").fetchone() == (0,)
