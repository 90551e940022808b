"""One home for tests: an emulated PN532, the real ecm-gateway, a real broker, the real collector."""
import contextlib
import os
import pathlib
import queue
import signal
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "lib"))
from broker import Broker, free_port, wait_until  # noqa: E402,F401

BIN = pathlib.Path(os.environ["ECM_BIN"])
TOOLS = pathlib.Path(os.environ["ECM_TEST_BIN"])
LIMIT_S = 30


class Output:
    """What a program says, line by line; kept, and waited for with a limit."""

    def __init__(self, stream):
        self.lines = []
        self.fresh = queue.Queue()
        threading.Thread(target=self._pump, args=(stream,), daemon=True).start()

    def _pump(self, stream):
        for line in stream:
            self.lines.append(line.rstrip("\n"))
            self.fresh.put(self.lines[-1])

    def expect(self, part):
        """Skip lines until one holds part."""
        end = time.monotonic() + LIMIT_S
        while True:
            try:
                line = self.fresh.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"waited in vain for {part!r}: {self.lines[-12:]}") from None
            if part in line:
                return line

    def count(self, part):
        return sum(part in line for line in self.lines)


class Home:
    """The gateway's side of a site; start() and stop() as often as wanted."""

    def __init__(self, folder, port, link="pty", reset=True, **settings):
        self.folder = pathlib.Path(folder)
        self.link = link
        self.reset = self.folder / "reset" if reset else None
        self.state = self.folder / "state"
        self.conf = self.folder / "gateway.conf"
        self.settings = {
            "gateway.site": "demo", "gateway.device": "gw-test", "gateway.state_dir": self.state,
            "gateway.log_level": "debug", "reader.health_s": 1, "mqtt.port": port, "mqtt.backoff_max_s": 1, **settings}
        if self.reset:
            self.settings["reader.reset"] = f"file:{self.reset}"
        self.emulator = self.gateway = self.chip = self.shown = self.log = None

    def write_conf(self):
        sections = {}
        for name, value in self.settings.items():
            section, key = name.split(".")
            sections.setdefault(section, []).append(f"{key} = {value}")
        self.conf.write_text("".join(
            f"[{name}]\n" + "\n".join(lines) + "\n" for name, lines in sections.items()))

    def start(self, ready=True):
        reset = ["--reset-file", self.reset] if self.reset else []
        if self.link == "pty":
            self.start_emulator(reset)
            self.write_conf()
            self.gateway = self._run([BIN / "ecm-gateway", "-c", self.conf])
            self.shown = Output(self.gateway.stdout)
        else:
            self.settings |= {"reader.type": "spi", "reader.device": "/dev/spidev0.0"}
            self.write_conf()
            self.gateway = self.emulator = self._run(
                [TOOLS / "emu-pn532-spidev", *reset, "--", BIN / "ecm-gateway", "-c", self.conf])
            self.shown = self.chip = Output(self.gateway.stdout)
        self.log = Output(self.gateway.stderr)
        if ready:
            try:
                self.shown.expect("ready")
            except AssertionError as vain:
                raise AssertionError(f"{vain}; said: {self.log.lines[-5:]}") from None
        return self

    def start_emulator(self, reset):
        if self.emulator is None:
            self.emulator = self._run([TOOLS / "emu-pn532-pty", *reset])
            tty = self.emulator.stdout.readline().strip()
            self.chip = Output(self.emulator.stdout)
            self.settings |= {"reader.type": "uart", "reader.device": tty}

    @staticmethod
    def _run(command):
        return subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                restore_signals=False)  # SIGXFSZ stays ignored

    def do(self, command):
        self.emulator.stdin.write(command + "\n")
        self.emulator.stdin.flush()

    def tap(self, uid, expected="arrival stored"):
        """Lay the tag down, wait for the light, take it away. The seq it was stored under."""
        self.do(f"tap {uid}")
        self.shown.expect(expected)
        self.do("remove")
        return int(self.log.expect("tap of tag").split(" seq=")[1].split()[0])

    def kill(self):
        """SIGKILL to the gateway alone (pty only)."""
        self.gateway.kill()
        self.gateway.wait(LIMIT_S)

    def stop(self):
        """End everything cleanly. The exit status of the gateway."""
        status = None
        if self.gateway is not None and self.link == "pty":
            self.gateway.send_signal(signal.SIGTERM)
            status = self.gateway.wait(LIMIT_S)
        if self.emulator is not None:
            if self.emulator.poll() is None:
                self.do("quit")
                self.emulator.wait(LIMIT_S)
            status = self.emulator.returncode if status is None else status
        self.gateway = self.emulator = None
        return status

    def outbox(self):
        """(records, acked_seq, taps) of the outbox at rest."""
        with contextlib.closing(sqlite3.connect(self.state / "outbox.db")) as db:
            return db.execute("SELECT (SELECT count(*) FROM record), acked_seq, taps FROM log"
                              ).fetchone()


class Collector:
    def __init__(self, folder, port):
        self.folder = pathlib.Path(folder)
        self.port = port
        self.process = None

    def start(self):
        with open(self.folder / "collector.log", "ab") as log:
            self.process = subprocess.Popen(
                [BIN / "ecm-collector", "--store", self.folder / "store.db",
                 "--broker", f"127.0.0.1:{self.port}"], stderr=log)
        return self

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(LIMIT_S)
        self.process = None

    def through(self):
        """Up to which seq it holds gw-test's newest log; -1: nothing of it."""
        try:
            with contextlib.closing(sqlite3.connect(
                    f"file:{self.folder}/store.db?mode=ro", uri=True, timeout=5)) as db:
                row = db.execute("SELECT through_seq FROM log WHERE device_id = 'gw-test'"
                                 " ORDER BY log_id DESC").fetchone()
        except sqlite3.Error:
            return -1
        return row[0] if row else -1

    def wait_for(self, seq):
        wait_until(lambda: self.through() >= seq, f"record {seq} at the collector", LIMIT_S)
