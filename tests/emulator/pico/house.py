"""A whole site around the emulated tag reader: gateway, broker and collector, the real ones."""
import os
import pathlib
import pty
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import time
import tty

sys.path.insert(0, str(pathlib.Path(os.environ["ECM_SOURCE"]) / "tests" / "integration" / "lib"))
from broker import Broker, wait_until  # noqa: E402,F401

BIN = pathlib.Path(os.environ["ECM_BIN"])
TOOLS = pathlib.Path(os.environ["ECM_TEST_BIN"])


LINE_OPEN = "event=tag-line-open"


class Site:
    """One gateway with one serial line; start(), kill_gateway() and stop() as often as wanted."""

    def __init__(self, folder: pathlib.Path, **settings):
        self.folder = folder
        # The reader has one end of a pty, the gateway the other; we hold both, so that nothing is
        # lost when a gateway goes.
        self.line, self.device_fd = pty.openpty()
        tty.setraw(self.device_fd, termios.TCSANOW)
        self.settings = {
            "gateway.site": "demo", "gateway.device": "gw-pico", "gateway.state_dir": folder / "state",
            "gateway.log_level": "debug", "tagreaders.devices": os.ttyname(self.device_fd),
            "mqtt.backoff_max_s": 1, **settings}
        self.conf = folder / "gateway.conf"
        self.store = folder / "collector.db"
        self.broker = Broker(folder)
        self.gateway = self.collector = None
        self.clock = folder / "clock"  # a machine that NTP has set: tests/integration/offline/clock_shim.c
        self.clock.write_bytes(struct.pack("=qq", 0, 1))
        self.gateway_log = folder / "gateway.log"
        self.collector_log = folder / "collector.log"

    def start(self):
        self.broker.start()
        self.settings["mqtt.port"] = self.broker.port
        self.start_collector()
        self.start_gateway()
        return self

    def _write_conf(self):
        sections = {}
        for name, value in self.settings.items():
            section, key = name.split(".")
            sections.setdefault(section, []).append(f"{key} = {value}")
        self.conf.write_text("".join(
            f"[{name}]\n" + "\n".join(lines) + "\n" for name, lines in sections.items()))

    @staticmethod
    def _run(command, log, **environment):
        with open(log, "ab") as file:
            return subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=file,
                                    stderr=file, env={**os.environ, **environment})

    def start_collector(self):
        self.collector = self._run([BIN / "ecm-collector", "--store", self.store, "--broker",
                                    f"127.0.0.1:{self.broker.port}"], self.collector_log)

    def start_gateway(self):
        self._write_conf()
        asan = os.environ.get("ASAN_OPTIONS", "")
        self.gateway = self._run(
            [BIN / "ecm-gateway", "-c", self.conf], self.gateway_log, ECM_CLOCK_FILE=str(self.clock),
            LD_PRELOAD=str(TOOLS / "clock_shim.so"),
            ASAN_OPTIONS=f"{asan}:verify_asan_link_order=0".strip(":"))
        lines = self.gateway_log.read_text().count(LINE_OPEN)
        wait_until(lambda: self.gateway_log.read_text().count(LINE_OPEN) > lines or self._gateway_has_died(),
                   "the gateway opens the line", 60)

    def _gateway_has_died(self) -> bool:
        assert self.gateway.poll() is None, self.gateway_log.read_text()[-1000:]
        return False

    def kill_gateway(self):
        self.gateway.kill()
        self.gateway.wait()

    @staticmethod
    def _end(process):
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def stop_gateway(self):
        self._end(self.gateway)

    def stop_daemons(self):
        self._end(self.gateway)
        self._end(self.collector)

    def stop(self):
        self.stop_daemons()
        self.broker.stop()
        for fd in (self.line, self.device_fd):
            os.close(fd)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def stored(self, device: str) -> list[list[str]]:
        """What the collector has of a device; it must have stopped: epoch seq uid flags ms source signed."""
        text = subprocess.run([TOOLS / "pico-stored", self.store, device], check=True, capture_output=True,
                              text=True).stdout
        return [line.split() for line in text.splitlines()]

    def wait_stored(self, device: str, seq: int, timeout_s: float = 60.0):
        """Until the collector has committed that record, by its own account."""
        end = time.monotonic() + timeout_s
        through = 0
        while time.monotonic() < end:
            try:
                with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as db:
                    row = db.execute("SELECT max(through_seq) FROM log WHERE device_id = ?", (device,)).fetchone()
                    through = row[0] or 0
            except sqlite3.OperationalError:
                pass
            if through >= seq:
                return
            time.sleep(0.1)
        raise AssertionError(f"the collector has {through} of {seq}: {self.gateway_log.read_text()[-1500:]}")
