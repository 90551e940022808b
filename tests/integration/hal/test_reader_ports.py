"""The unmodified PN532 driver on Linux ports: a mocked /dev/spidev0.0 and a pty, in real time."""
import os
import pathlib
import queue
import subprocess
import threading

import pytest

BIN = pathlib.Path(os.environ["ECM_TEST_BIN"])
UID = "04A1B2C3D4E5F6"
SUN = ("https://tag.example.org/t?picc_data=EF963FF7828658A599F3041510671E88"
       "&cmac=94EED9EE65337086")
LIMIT_S = 30


class Lines:
    """What a program prints, line by line; waiting has a limit."""

    def __init__(self, stream):
        self.lines = queue.Queue()
        self.thread = threading.Thread(target=self.pump, args=(stream,), daemon=True)
        self.thread.start()

    def pump(self, stream):
        for line in stream:
            self.lines.put(line.strip())

    def next(self):
        return self.lines.get(timeout=LIMIT_S)

    def expect(self, start):
        """Skip lines until one begins so."""
        while True:
            line = self.next()
            if line.startswith(start):
                return line


class Rig:
    """An emulated chip, the driver on it, and a hand that steers the chip."""

    def __init__(self, emulator, reader):
        self.emulator = emulator
        self.reader = reader
        self.answers = Lines(emulator.stdout)
        self.events = self.answers if reader is None else Lines(reader.stdout)

    def do(self, command):
        self.emulator.stdin.write(command + "\n")
        self.emulator.stdin.flush()

    def stop(self):
        self.do("quit")
        for process in (self.emulator, self.reader):
            if process is not None:
                process.terminate()
                process.wait(LIMIT_S)


def start(*command):
    return subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)


def start_spidev(reset):
    tool = [BIN / "emu-pn532-spidev", *(["--reset-file", reset] if reset else []), "--"]
    return Rig(start(*tool, BIN / "reader-cli", "--spi", "/dev/spidev0.0", *reader_options(reset)),
               None)


def start_pty(reset):
    emulator = start(BIN / "emu-pn532-pty", *(["--reset-file", reset] if reset else []))
    path = emulator.stdout.readline().strip()
    return Rig(emulator, start(BIN / "reader-cli", "--tty", path, *reader_options(reset)))


def reader_options(reset):
    return ["--health-ms", 500, "--seconds", 60, *(["--reset", f"file:{reset}"] if reset else [])]


@pytest.fixture(params=[start_spidev, start_pty], ids=["spidev", "pty"])
def rig(request, tmp_path):
    rig = request.param(tmp_path / "reset")
    rig.events.expect("up")
    yield rig
    rig.stop()


@pytest.fixture(params=[start_spidev, start_pty], ids=["spidev", "pty"])
def rig_without_reset(request):
    rig = request.param(None)
    rig.events.expect("up")
    yield rig
    rig.stop()


def test_a_tag_comes_and_goes(rig):
    rig.do(f"tap {UID}")
    assert rig.events.expect("tag") == f"tag {UID} type2"
    rig.do("remove")
    assert rig.events.expect("gone") == f"gone {UID}"


def test_a_sun_message_is_read(rig):
    rig.do(f"tap {UID} {SUN}")
    assert rig.events.expect("tag") == (
        f"tag {UID} ntag424 EF963FF7828658A599F3041510671E88 94EED9EE65337086")


@pytest.mark.parametrize("fault", ["late 800", "garbage", "error", "baddcs", "badlcs", "noack",
                                   "preamble", "extended"])
def test_a_disturbed_answer_costs_no_tap(rig, fault):
    rig.do(f"fault {fault}")
    rig.do(f"tap {UID}")
    assert rig.events.expect("tag") == f"tag {UID} type2"
    rig.do("remove")
    assert rig.events.expect("gone") == f"gone {UID}"


def test_a_card_pulled_away_while_it_is_read_counts(rig):
    rig.do("fault leaves")
    rig.do(f"tap {UID} {SUN}")
    assert rig.events.expect("tag") == f"tag {UID} type4"


def test_a_hang_is_cured_by_the_reset_line(rig):
    rig.do("fault hang")
    assert rig.events.expect("fault") == "fault test: PN532 does not answer"
    assert rig.events.expect("recovered") == "recovered test: PN532 works again"
    rig.do(f"tap {UID}")
    assert rig.events.expect("tag") == f"tag {UID} type2"


def test_a_power_dip_is_cured_without_a_reset_line(rig_without_reset):
    rig = rig_without_reset
    rig.do("fault brownout")
    rig.do(f"tap {UID}")
    assert rig.events.expect("tag") == f"tag {UID} type2"


def test_a_hang_without_a_reset_line_is_waited_out(rig_without_reset):
    rig = rig_without_reset
    rig.do("fault hang")
    rig.events.expect("fault")
    rig.do("reset")
    rig.events.expect("recovered")
    rig.do(f"tap {UID}")
    assert rig.events.expect("tag") == f"tag {UID} type2"


def test_a_missing_device_is_one_clear_line(tmp_path):
    run = subprocess.run([str(BIN / "reader-cli"), "--spi", str(tmp_path / "none")],
                         capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr == "reader-cli: No such file or directory\n"


def test_a_tty_that_is_gone_is_a_fault_and_no_busy_loop():
    emulator = start(BIN / "emu-pn532-pty")
    path = emulator.stdout.readline().strip()
    rig = Rig(emulator, start(BIN / "reader-cli", "--tty", path, "--events", 1, "--seconds", 20))
    rig.events.expect("up")
    emulator.kill()
    emulator.wait()
    assert rig.events.expect("fault") == "fault test: the bus to the PN532 fails"
    assert rig.reader.wait(LIMIT_S) == 0


@pytest.mark.parametrize("tool", ["emu-pn532-pty", "emu-pn532-spidev", "reader-cli"])
def test_tools_explain_themselves(tool):
    for option in ("--help", "--version"):
        assert subprocess.run([str(BIN / tool), option], capture_output=True,
                              check=False).returncode == 0
    assert subprocess.run([str(BIN / tool), "--nonsense"], capture_output=True,
                          check=False).returncode == 2
