"""base/mqtt.h against the real mosquitto: it always comes back, and says once why it was away."""
import os
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "lib"))
from broker import Broker, wait_until  # noqa: E402
from certs import Authority  # noqa: E402

PROBE = pathlib.Path(os.environ["ECM_TEST_BIN"]) / "mqtt-probe"


class Lines:
    """The lines a process prints, to wait for."""

    def __init__(self, process):
        self.process = process
        self.seen = []
        self.queue = queue.Queue()
        threading.Thread(target=self._pump, daemon=True).start()

    def _pump(self):
        for line in self.process.stdout:
            self.queue.put(line.rstrip("\n"))
        self.queue.put(None)

    def wait(self, pattern: str, timeout: float = 20.0) -> str:
        while True:
            line = self.queue.get(timeout=timeout)
            assert line is not None, f"ended before '{pattern}': {self.seen[-5:]}"
            self.seen.append(line)
            if re.fullmatch(pattern, line):
                return line


@pytest.fixture
def start():
    running = []

    def run(*args, program=str(PROBE)):
        process = subprocess.Popen([program, *map(str, args)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        return process, Lines(process)

    yield run
    for process in running:
        if process.args[0] != str(PROBE):
            process.kill()
            process.wait()
        elif process.poll() is None:
            process.stdin.close()
            try:
                code = process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            assert code == 0, process.stderr.read()


def listen(start, broker, topic):
    # -d says when the subscription stands: only then may a test publish
    _, lines = start("-oL", "mosquitto_sub", "-d", "-v", "-h", "127.0.0.1", "-p", broker.port, "-t",
                     topic, program="stdbuf")
    lines.wait(r"Subscribed .*")
    return lines


def send(broker, topic, text):
    subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", topic,
                    "-m", text], check=True)


def assert_echoes(start, broker, index=0, text="hello"):
    answers = listen(start, broker, f"out/p{index}")
    send(broker, f"in/p{index}", text)
    answers.wait(f"out/p{index} {text}")


def test_a_message_goes_there_and_back(tmp_path, start):
    with Broker(tmp_path) as broker:
        _, lines = start(broker.port, 1)
        lines.wait("up 0")
        assert_echoes(start, broker)


def test_a_broker_that_starts_later_is_found_and_the_reason_was_said(tmp_path, start):
    broker = Broker(tmp_path)
    _, lines = start(broker.port, 1)
    assert lines.wait("down 0 .*").endswith("Connection refused")
    with broker:
        lines.wait("up 0")
        assert_echoes(start, broker)


def test_a_broker_killed_five_times_is_found_five_times(tmp_path, start):
    broker = Broker(tmp_path).start()
    _, lines = start(broker.port, 3)
    try:
        for _ in range(5):
            for index in range(3):
                wait_until(lambda: lines.wait(r"up \d"), "a session is up")
            broker.kill()
            for index in range(3):
                lines.wait(r"down \d .*")
            broker.start()
        lines.wait("up 0")
        assert_echoes(start, broker)
    finally:
        broker.kill()


def test_the_wait_between_attempts_grows_up_to_its_limit_and_is_jittered(tmp_path, start):
    _, lines = start(Broker(tmp_path).port, 1)
    waits = [int(lines.wait("down 0 .*").split()[2]) for _ in range(7)]
    for number, wait in enumerate(waits):
        limit = min(100 * 2 ** number, 800)
        assert limit // 2 <= wait <= limit
    assert len(set(waits)) > 4


def test_the_will_tells_others_when_a_session_vanishes(tmp_path, start):
    with Broker(tmp_path) as broker:
        process, lines = start(broker.port, 1)
        lines.wait("up 0")
        wills = listen(start, broker, "will/#")
        process.kill()
        wills.wait("will/p0 gone")
        process.wait()


def test_a_burst_larger_than_the_queue_arrives_whole_and_in_order(tmp_path, start):
    with Broker(tmp_path) as broker:
        process, lines = start(broker.port, 1)
        lines.wait("up 0")
        count = 3000
        _, heard = start("-oL", "mosquitto_sub", "-F", "%l", "-d", "-h", "127.0.0.1", "-p",
                         broker.port, "-t", "burst", "-C", count, program="stdbuf")
        heard.wait(r"Subscribed .*")
        process.stdin.write(f"burst {count} 8000\n")
        process.stdin.flush()
        lines.wait("burst done", timeout=60)
        for _ in range(count):
            heard.wait("8000", timeout=60)


def test_a_process_carries_more_sessions_than_select_could(tmp_path, start):
    with Broker(tmp_path) as broker:
        _, lines = start(broker.port, 1200)
        up = {lines.wait(r"up \d+", timeout=60) for _ in range(1200)}
        assert len(up) == 1200
        assert_echoes(start, broker, index=1199)


def tls_broker(folder, authority, name):
    cert, key = authority.issue(name)
    return Broker(folder, f"cafile {authority.cert}\ncertfile {cert}\nkeyfile {key}\n"
                          "require_certificate true\nuse_identity_as_username true\n"
                          "tls_version tlsv1.3", anonymous=False)


def test_tls_with_a_certificate_of_its_own(tmp_path, start):
    authority = Authority(tmp_path)
    cert, key = authority.issue("p0")
    with tls_broker(tmp_path, authority, "localhost") as broker:
        _, lines = start(broker.port, 1, authority.cert, cert, key)
        lines.wait("up 0")


def test_a_wrong_certificate_is_one_clear_line_and_mended_without_a_restart(tmp_path, start):
    (tmp_path / "other").mkdir()
    authority, stranger = Authority(tmp_path), Authority(tmp_path / "other", "stranger")
    cert, key = authority.issue("p0")
    trusted = tmp_path / "trusted.crt"
    shutil.copy(stranger.cert, trusted)
    with tls_broker(tmp_path, authority, "localhost") as broker:
        _, lines = start(broker.port, 1, trusted, cert, key)
        line = lines.wait("down 0 .*")
        assert "TLS" in line and "certificate verify failed" in line
        shutil.copy(authority.cert, trusted)
        lines.wait("up 0")


def test_a_key_file_that_is_missing_is_named_at_start(tmp_path, start):
    authority = Authority(tmp_path)
    done = subprocess.run([str(PROBE), "1883", "1", str(authority.cert), str(authority.cert),
                           "/nonexistent/p0.key"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == ("mqtt: key file '/nonexistent/p0.key': "
                           "No such file or directory\n")
