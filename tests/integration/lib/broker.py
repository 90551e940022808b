"""A real mosquitto on a loopback port of its own, for integration tests.

    from broker import Broker, wait_until
"""
import os
import pathlib
import signal
import socket
import subprocess
import time


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, what: str, timeout: float = 20.0, step: float = 0.02):
    """Return condition()'s first true value; fail with what after timeout seconds."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s in vain: {what}")
        time.sleep(step)


class Broker:
    """start(), kill() (SIGKILL) and stop() as often as wanted; always the same port."""

    def __init__(self, folder: pathlib.Path, extra: str = "", anonymous: bool = True):
        self.port = free_port()
        self.folder = pathlib.Path(folder)
        self.config = self.folder / f"mosquitto-{self.port}.conf"
        self.log = self.folder / f"mosquitto-{self.port}.log"
        self.process = None
        self.config.write_text(
            f"listener {self.port} 127.0.0.1\n"
            f"allow_anonymous {'true' if anonymous else 'false'}\n"
            "persistence false\n"
            "max_queued_messages 0\n"
            f"{extra}\n")

    def start(self):
        program = next((p for p in ("/usr/sbin/mosquitto", "/usr/bin/mosquitto")
                        if os.path.exists(p)), "mosquitto")
        # as root mosquitto would become another user, who may not read a test's own files
        user = ["user root\n"] if os.geteuid() == 0 else []
        if user and "user root" not in self.config.read_text():
            self.config.write_text(self.config.read_text() + user[0])
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([program, "-c", str(self.config)],
                                            stdout=log, stderr=log)
        wait_until(self.answers, f"mosquitto listens on {self.port}: see {self.log}")
        return self

    def answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"mosquitto ended: {self.log.read_text()[-500:]}")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def kill(self):
        self._end(signal.SIGKILL)

    def stop(self):
        self._end(signal.SIGTERM)

    def _end(self, with_signal):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(with_signal)
            self.process.wait(timeout=20)
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
