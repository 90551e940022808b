"""The gateway as it is released, on a real kernel's GPIO lines and SPI bus, in User-Mode Linux.

The kernel has a tick of 10 ms and gives GPIO edges on it, so the limits here are generous; what
each test prints are the figures. docs/TESTING-UML.md says how to run this.
"""
import os
import pathlib
import re
import sqlite3
import subprocess
import time

import pytest
from board import ASSIST_LINE, CASE_LINE, FREE_LINE, Board
from uml import Uml

SOURCE = pathlib.Path(os.environ["ECM_SOURCE"])
TAPS = int(os.environ.get("ECM_UML_TAPS", "200"))
CARER = "04A1B2C3D4E5F6"
BOUNCE_S = 120  # tap/direction.h
HEALTH_S = 30   # the preset of [reader] health_s
SLACK_MS = 130  # of a lamp's time: a round of the reader, seven exchanges, is done before it


@pytest.fixture(scope="module")
def programs() -> pathlib.Path:
    """A release build; ours unless ECM_UML_BUILD names one. UML has no room for sanitizers."""
    given = os.environ.get("ECM_UML_BUILD")
    if given:
        return pathlib.Path(given)
    for command in (["cmake", "--preset", "release"],
                    ["cmake", "--build", "--preset", "release", "--target", "ecm-gateway",
                     "ecm-collector", "emu-pn532-uml", "test_input"]):
        subprocess.run(command, cwd=SOURCE, check=True, stdout=subprocess.DEVNULL)
    return SOURCE / "build" / "release"


@pytest.fixture(scope="module")
def kernel() -> pathlib.Path:
    given = os.environ.get("ECM_UML_KERNEL")
    if given:
        return pathlib.Path(given)
    built = subprocess.run([SOURCE / "tools" / "uml" / "build"], check=True, text=True,
                           stdout=subprocess.PIPE)
    return pathlib.Path(built.stdout.strip())


@pytest.fixture(scope="module")
def uml(tmp_path_factory, kernel):
    with Uml(tmp_path_factory.mktemp("uml"), kernel) as machine:
        yield machine


@pytest.fixture(scope="module")
def board(uml, programs):
    it = Board(uml, programs, SOURCE / "gateway" / "ecm-gateway.conf")
    it.start()
    return it


@pytest.fixture
def say(capsys):
    """Print a figure even when the test passes."""
    def print_line(text: str):
        with capsys.disabled():
            print(f"\numl: {text}", end="")
    return print_line


def spidev_error(uml: Uml, action: str) -> str:
    """The name of the error that a Python line gets from /dev/spidev0.0."""
    script = ("import errno,fcntl,os\nf=os.open('/dev/spidev0.0',os.O_RDWR)\n"
              f"try:\n print({action})\nexcept OSError as e:\n print(errno.errorcode[e.errno])\n")
    (uml.folder / "spidev.py").write_text(script)
    return uml.run("/usr/bin/python3 /run/host/spidev.py").strip()


# The tests follow each other's footsteps on one machine: keep their order.

def test_the_machine_boots_and_its_bus_is_the_kernels_own(uml, say):
    say(f"boot to shell {uml.boot_s * 1000:.0f} ms, kernel {uml.run('uname -r').strip()}")
    lsb_first = "fcntl.ioctl(f,0x40016b01,bytes([8]))"
    assert spidev_error(uml, lsb_first) == "EINVAL", "no Pi's controller sends LSB first"
    assert spidev_error(uml, "len(os.read(f,4097))") == "EMSGSIZE", "spidev's bufsiz is 4096"
    assert spidev_error(uml, "os.read(f,4)") == r"b'\xff\xff\xff\xff'", "nobody answers yet"


def test_the_gateway_finds_the_chip_and_blinks_once(board, say):
    trace = board.wait_trace(0, "green", "1")
    trace = board.wait_trace(trace.first("green", "1"), "green", "0")
    trace = board.trace()
    assert trace.find("reset", "0"), "the chip is reset before it is set up"
    [(_, blink_ms)] = trace.pulses_ms("green")
    assert blink_ms == pytest.approx(100, abs=SLACK_MS)
    [first, *_] = [e for e in trace.events if e[1] == "transfer"]
    assert int(first[2].split()[1]) >= 2000, "chip select wakes the chip for 2 ms"
    assert "reader-down" not in board.log()
    say(f"first green {(trace.first('green', '1') - trace.first('transfer', '')) / 1000:.0f} ms "
        f"after the first byte; chip select before it {first[2].split()[1]} us")


def test_a_tap_is_stored_sent_and_acked_and_shown_as_arrival(board, say):
    board.wait_quiet()
    since = board.trace().events[-1][0]
    board.command(f"tap {CARER}")
    trace = board.wait_trace(since, "green", "1")
    trace = board.wait_trace(since, "green", "0")
    begin = trace.first("command", "tap")
    assert [round(ms) for _, ms in trace.pulses_ms("green")] == [pytest.approx(1000, abs=SLACK_MS)]
    assert [round(ms) for _, ms in trace.pulses_ms("buzzer")] == [pytest.approx(200, abs=SLACK_MS)]
    assert not trace.find("red", "1")
    board.uml.wait_for(f"grep -iq 'up .*{CARER}' /run/subscriber.log")
    board.uml.wait_for("tail -n 1 /run/subscriber.log | grep -q '/ack '")
    board.command("remove")
    say(f"tap to green {(trace.first('green', '1') - begin) / 1000:.0f} ms")


def test_an_idle_reader_leaves_the_bus_alone(board, say):
    board.wait_quiet()
    transfers, irqs = board.transfers(), board.irqs()
    time.sleep(10)
    moved, edges = board.transfers() - transfers, board.irqs() - irqs
    say(f"in 10 s without a tag: {moved} SPI transfers, {edges} edges")
    assert (moved, edges) == (0, 0)


def hang_and_wait(board, say, what: str, timeout: float):
    """Hang the chip; it must be reset by its line and work again without anybody's help.

    How long the line is low (10 ms) cannot be measured here: this machine may pause as a whole.
    """
    since = board.trace().events[-1][0]
    board.command("fault hang")
    trace = board.wait_trace(since, "reset", "1", timeout)
    hung, low, high = (trace.first(*e) for e in
                       (("command", "fault"), ("reset", "0"), ("reset", "1")))
    trace = board.wait_trace(high, "green", "1")
    blink = trace.first("green", "1")
    say(f"hung chip, {what}: reset after {(low - hung) / 1e6:.1f} s by {(high - low) / 1000:.0f} ms "
        f"low, works again {(blink - low) / 1000:.0f} ms after that")


def test_a_chip_that_hangs_unseen_is_reset_within_the_health_check(board, say):
    hang_and_wait(board, say, "idle", HEALTH_S + 5)
    board.uml.wait_for("grep -q event=reader-down /run/gateway.log")


def test_a_chip_that_hangs_under_a_tag_is_reset_at_once_and_the_tag_not_told_twice(board, say):
    since = board.trace().events[-1][0]
    board.command("tap 04111111111111")
    board.wait_trace(since, "green", "0")  # what is shown for the tap is over
    taps = board.log().count("debug: tap of tag")
    hang_and_wait(board, say, "tag on it", 10)
    board.wait_trace(board.trace().events[-1][0], "irq", "0")
    time.sleep(1)
    assert board.log().count("debug: tap of tag") == taps
    board.command("remove")


def test_a_killed_gateway_finds_its_lines_free_again(board):
    board.stop_gateway("KILL")
    since = board.trace().events[-1][0]
    board.start_gateway()
    trace = board.wait_trace(since, "green", "1")
    assert trace.first("reset", "0") < trace.first("green", "1")
    assert "Device or resource busy" not in board.log()


def test_the_contract_of_inputs_holds_on_a_line_of_the_kernel(board, say):
    text = board.uml.run(f"ECM_INPUT_LINE=pinctrl-bcm2835:{FREE_LINE} "
                         f"ECM_INPUT_PULL=/run/chip/sim_gpio{FREE_LINE}/pull "
                         f"{board.programs}/tests/bin/test_input 2>&1", timeout=60)
    assert text.count("[       OK ]") == 15 and "FAILED" not in text, text
    version = board.uml.run(f"ldd {board.programs}/bin/ecm-gateway | grep -o 'libgpiod.so.[0-9]' | head -n 1")
    say(f"hal/input.h on gpio-sim through {version.strip()}: 5 promises kept")


def test_a_pressed_button_is_stored_shown_and_told_and_a_held_one_is_one_press(board, say):
    board.wait_quiet()
    since = board.trace().events[-1][0]
    began = board.now_us()
    board.pull(ASSIST_LINE, False)
    trace = board.wait_trace(since, "buzzer", "1")
    waited = (trace.first("buzzer", "1") - began) / 1000
    time.sleep(2)
    trace = board.trace().after(since)
    assert [round(ms) for _, ms in trace.pulses_ms("amber")] == 3 * [
        pytest.approx(300, abs=SLACK_MS)]
    assert len(trace.pulses_ms("buzzer")) == 3 and not trace.find("red", "1")
    board.uml.wait_for("grep -q 'alert .*" + b"help-called".hex() + "' /run/subscriber.log")
    board.uml.wait_for("grep -q event=help-called /run/collector.log")
    assert board.inputs() == [["button", "pressed"]]  # held
    # Let go with bounces. Where the host takes its time in between, one of them is a press.
    pull = f"/run/chip/sim_gpio{ASSIST_LINE}/pull"
    board.uml.run(f"for i in 1 2 3 4 5; do echo pull-up >{pull}; echo pull-down >{pull}; done; "
                  f"echo pull-up >{pull}")
    board.uml.wait_for("tail -n 1 /run/collector.log | grep -q 'event=help-called state=ended'")
    told = board.inputs()
    assert told == [["button", "pressed"], ["button", "let-go"]] * (len(told) // 2)
    assert len(told) <= 4
    say(f"button to tone {waited:.0f} ms, of them 30 ms debounce")


def test_an_opened_case_is_stored_and_told_once_through_a_restart(board):
    since = board.trace().events[-1][0]
    board.pull(CASE_LINE, True)
    board.wait_trace(since, "amber", "1")
    board.uml.wait_for("grep -q event=case-opened /run/collector.log")
    board.stop_gateway()
    board.start_gateway()
    board.uml.wait_for("[ $(grep -c 'starting version' /run/gateway.log) -ge 3 ]")
    board.wait_quiet()
    board.stop_gateway()
    board.pull(CASE_LINE, False)  # closed while nobody looked
    board.start_gateway()
    board.uml.wait_for("grep -q 'event=case-opened state=ended' /run/collector.log")
    assert [row for row in board.inputs() if row[0] == "case"] == [["case", "opened"],
                                                                   ["case", "closed"]]
    board.wait_quiet()


def percentile(values: list[float], percent: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


def test_every_one_of_many_taps_is_told_soon(board, say):
    """Each tap has a number of its own and comes at another phase of the reader's rounds. A carer takes the
    tag away when it was told: while a busy host stops the whole machine nobody is."""
    board.wait_quiet()
    so_far = board.trace()
    since, told = so_far.events[-1][0], len(so_far.find("buzzer", "1"))
    irqs = board.irqs()
    for number in range(TAPS):
        board.uml.run(f"echo 'tap 0422000000{number:04X}' >/run/emu")
        time.sleep(0.28)
        board.uml.wait_for(f"[ $(grep -c '^[0-9]* buzzer 1' /run/trace) -gt {told + number} ]", 3)
        board.uml.run("echo remove >/run/emu")
        time.sleep(0.35 + number * 37 % 200 / 1000)
    trace = board.trace().after(since)
    taps, tones = trace.find("command", "tap"), trace.find("buzzer", "1")
    assert len(taps) == TAPS and len(tones) == TAPS
    waits = [(tone - tap) / 1000 for tap, tone in zip(taps, tones)]
    assert all(0 < wait < 1000 for wait in waits), waits
    falls, seen = len(trace.find("irq", "0")), board.irqs() - irqs
    say(f"{TAPS} taps to feedback: p50 {percentile(waits, 50):.1f} ms, p99 "
        f"{percentile(waits, 99):.1f} ms, worst {max(waits):.1f} ms")
    say(f"IRQ fell {falls} times, {seen} edges seen by the kernel, "
        f"{len(trace.find('transfer', ''))} SPI transfers")
    assert percentile(waits, 50) < 150 and percentile(waits, 99) < 500
    # Falls less than a tick apart are one edge here; what matters is one for each tap.
    assert TAPS <= seen <= falls
    assert not trace.find("error", "")


def test_the_second_tap_of_a_visit_is_shown_as_leaving(board):
    first = board.trace().find("command", f"tap {CARER}")[0]
    left_s = BOUNCE_S + 1 - (board.now_us() - first) / 1e6
    time.sleep(max(0, left_s))
    board.wait_quiet()
    since = board.trace().events[-1][0]
    board.command(f"tap {CARER}")
    end = time.monotonic() + 10
    while len((trace := board.trace().after(since)).pulses_ms("buzzer")) < 2:
        assert time.monotonic() < end, trace.events
        time.sleep(0.5)
    board.command("remove")
    for line in ("green", "buzzer"):
        (at1, ms1), (at2, ms2) = trace.pulses_ms(line)
        assert (at1, ms1, at2, ms2) == pytest.approx((0, 150, 300, 150), abs=SLACK_MS)


def test_all_taps_lie_in_the_outbox_on_the_hosts_disk_and_at_the_collector(board, say):
    board.uml.wait_for(f"[ $(grep -c 'debug: tap of tag' /run/gateway.log) -ge {TAPS + 3} ]")
    board.wait_quiet()
    board.stop_gateway()
    with sqlite3.connect(board.folder / "state" / "outbox.db") as db:
        records = [bytes(row[0]) for row in db.execute("SELECT bytes FROM record ORDER BY seq")]
        next_seq, = db.execute("SELECT next_seq FROM log").fetchone()
    assert len(records) == next_seq - 1
    for number in range(TAPS):
        uid = bytes.fromhex(f"0422000000{number:04X}")
        assert sum(uid in record for record in records) == 1
    assert sum(bytes.fromhex(CARER) in record for record in records) == 2
    sent = set(re.findall(r"0422000000[0-9a-f]{4}", board.log("subscriber")))
    assert len(sent) == TAPS
    through = int(board.uml.run("sqlite3 /run/collector.db 'SELECT max(through_seq) FROM log'"))
    say(f"{len(records)} records in the outbox, the collector has {through}")
    assert through == next_seq - 1
