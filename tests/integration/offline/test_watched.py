"""What watches a gateway: its unit, the watchdog, the counters on a socket."""
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / part) for part in ("gateway", "lib")]
from house import Home, free_port, wait_until  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
UNITS = ["gateway/ecm-gateway.service", "collector/ecm-collector.service"]


def metrics(path):
    """name{labels} -> value, as a scraper sees them."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: gateway\r\n\r\n")
        answer = b""
        while piece := client.recv(4096):
            answer += piece
    head, body = answer.decode().split("\r\n\r\n")
    assert head.startswith("HTTP/1.0 200 ")
    assert f"Content-Length: {len(body)}" in head
    lines = [line for line in body.splitlines() if not line.startswith("#")]
    # The sum of a histogram has a fraction; all else are whole numbers.
    return {name: float(value) if "." in value else int(value)
            for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_exposed_to_little(unit):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", str(ROOT / unit)],
                          capture_output=True, text=True, check=False, timeout=60)
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert level, done.stderr
    assert float(level[1]) <= 2.0, done.stdout


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_watched_and_limited(unit):
    text = (ROOT / unit).read_text()
    for line in ("Type=notify", "Restart=always", "WatchdogSec=", "MemoryMax="):
        assert f"\n{line}" in text


def test_the_unit_lets_the_gateway_ask_whether_its_clock_is_synchronised():
    lines = (ROOT / UNITS[0]).read_text().splitlines()
    assert "ProtectClock=yes" not in lines  # it would forbid adjtimex(2), even to ask
    filters = [line.split("=", 1)[1] for line in lines if line.startswith("SystemCallFilter=")]
    assert {"adjtimex", "clock_adjtime"} <= set(filters[-1].split())
    assert "CapabilityBoundingSet=" in lines  # so that it can only ask


def test_the_counters_are_told_on_a_local_socket(tmp_path):
    path = tmp_path / "metrics"
    home = Home(tmp_path, free_port(), **{"metrics.socket": path}).start()
    before = metrics(path)
    home.tap("04A1B2C3D4E5F6")
    home.tap("04A1B2C3D4E5F7")
    wait_until(lambda: metrics(path)['ecm_gateway_ok{part="broker"}'] == 0, "no broker")
    after = metrics(path)
    assert after["ecm_gateway_taps_total"] == before["ecm_gateway_taps_total"] + 2
    assert after["ecm_gateway_records_owed"] == after["ecm_gateway_head_seq"]
    assert after['ecm_gateway_ok{part="reader"}'] == 1
    assert after["ecm_gateway_io_age_milliseconds"] < 10000
    home.kill()
    assert path.exists()
    home.start()  # over what the killed one left behind
    assert metrics(path)["ecm_gateway_taps_total"] == 2
    assert home.stop() == 0
    assert not path.exists()


def test_a_metrics_socket_that_cannot_be_made_is_named_at_start(tmp_path):
    home = Home(tmp_path, free_port(), **{"metrics.socket": tmp_path / "none" / "metrics"})
    home.start(ready=False)
    assert home.gateway.wait(30) == 1
    wait_until(lambda: home.log.count("none/metrics"), "the path in the log")
    home.stop()


class ServiceManager:
    """The other end of sd_notify(3)."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(0.1)
        self.said = []

    def listen(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.said += self.socket.recv(4096).decode().splitlines()
            except TimeoutError:
                pass

    def beats(self, seconds):
        before = self.said.count("WATCHDOG=1")
        self.listen(seconds)
        return self.said.count("WATCHDOG=1") - before


def test_the_watchdog_is_fed_while_work_is_done_and_not_by_a_gateway_that_hangs(
        tmp_path, monkeypatch):
    manager = ServiceManager(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "1500000")
    home = Home(tmp_path, free_port(), reset=False).start()
    manager.listen(1)
    assert "READY=1" in manager.said
    assert manager.beats(3) >= 3
    home.do("fault hang")  # a broken reader: starting anew would not help
    home.log.expect("event=reader-down")
    assert manager.beats(3) >= 3
    home.gateway.send_signal(signal.SIGSTOP)
    manager.listen(0.5)
    assert manager.beats(2) == 0
    home.gateway.send_signal(signal.SIGCONT)
    assert manager.beats(3) >= 2
    home.stop()
