"""Both units as they are shipped, under systemd as the first process of a real kernel.

Nothing is changed in a unit; a drop-in adds a library that can make a disk or a thread hang. Times
here are the machine's own, and it stops as a whole while the host is busy: limits are generous, and
what each test prints are the figures. docs/TESTING-UML.md says how to run this.
"""
import configparser
import os
import pathlib
import re
import subprocess
import sys
import time

import pytest

SOURCE = pathlib.Path(os.environ["ECM_SOURCE"])
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "uml"))
from board import IRQ_LINE, LINES  # noqa: E402
from uml import Uml  # noqa: E402

DEVICE = "gw-unit"
GATEWAY, COLLECTOR = "ecm-gateway.service", "ecm-collector.service"
SHIPPED = {GATEWAY: SOURCE / "gateway", COLLECTOR: SOURCE / "collector"}
WATCHDOG_S = {GATEWAY: 30, COLLECTOR: 60}
ABORT_S = 5  # TimeoutAbortSec of both
SLOW_S = 60  # what this machine may add to any wait


@pytest.fixture(scope="module", name="programs")
def made_programs() -> pathlib.Path:
    given = os.environ.get("ECM_UML_BUILD")
    if given:
        return pathlib.Path(given)
    for command in (["cmake", "--preset", "release"],
                    ["cmake", "--build", "--preset", "release", "--target", "ecm-gateway",
                     "ecm-collector", "emu-pn532-uml", "wedge_shim"]):
        subprocess.run(command, cwd=SOURCE, check=True, stdout=subprocess.DEVNULL)
    return SOURCE / "build" / "release"


@pytest.fixture(scope="module", name="kernel")
def made_kernel() -> pathlib.Path:
    given = os.environ.get("ECM_UML_KERNEL")
    if given:
        return pathlib.Path(given)
    built = subprocess.run([SOURCE / "tools" / "uml" / "build"], check=True, text=True,
                           stdout=subprocess.PIPE)
    return pathlib.Path(built.stdout.strip())


def configurations(folder: pathlib.Path):
    """What we ship, but for names and places."""
    conf = configparser.ConfigParser(interpolation=None)
    conf.read_string((SHIPPED[GATEWAY] / "ecm-gateway.conf").read_text())
    conf["gateway"].update({"site": "demo", "device": DEVICE, "log_level": "debug"})
    conf["mqtt"] = {"host": "127.0.0.1", "port": "1883", "backoff_max_s": "2"}
    conf["metrics"] = {"socket": "/run/ecm-gateway/metrics"}
    with open(folder / "ecm-gateway.conf", "w", encoding="utf-8") as file:
        conf.write(file)
    text = (SHIPPED[COLLECTOR] / "ecm-collector.conf").read_text()
    assert "socket =\n" in text
    (folder / "ecm-collector.conf").write_text(
        text.replace("socket =\n", "socket = /run/ecm-collector/metrics\n"))
    (folder / "mosquitto.conf").write_text(
        "listener 1883 127.0.0.1\nallow_anonymous true\nuser root\npersistence false\n")


class Machine:
    """The machine with both packages on it, as dpkg would have put them there."""

    def __init__(self, uml: Uml, programs: pathlib.Path):
        self.uml = uml
        self.run = uml.run
        configurations(uml.folder)
        for unit, folder in SHIPPED.items():
            name = unit.removesuffix(".service")
            self.run(f"cp {programs}/bin/{name} /usr/bin/{name}")
            self.run(f"cp {folder}/{unit} /usr/lib/systemd/system/{unit}")
            self.run(f"cp {folder}/{name}.sysusers /usr/lib/sysusers.d/{name}.conf")
            self.run(f"systemd-sysusers {name}.conf")
            self.run(f"mkdir -p /etc/{name} && cp /run/host/{name}.conf /etc/{name}/")
        # udev's work: gateway/ecm-gateway.udev says the same.
        self.run("chgrp spi /dev/spidev0.0 && chgrp gpio /dev/gpiochip* && "
                 "chmod 0660 /dev/spidev0.0 /dev/gpiochip*")
        self.run(f"cp {programs}/tests/bin/wedge_shim.so /usr/lib/")
        for unit in SHIPPED:
            self.run(f"mkdir -p /etc/systemd/system/{unit}.d && printf '[Service]\\n"
                     f"Environment=LD_PRELOAD=/usr/lib/wedge_shim.so\\n'"
                     f" >/etc/systemd/system/{unit}.d/wedge.conf")
        self.run("systemctl daemon-reload", timeout=60)
        lines = " ".join(f"{name}={number}" for name, number in LINES.items())
        self.run("mkfifo /run/emu && systemd-run -q --unit=emulator "
                 f"{programs}/tests/bin/emu-pn532-uml --chip /run/chip --irq {IRQ_LINE} "
                 f"--fifo /run/emu --trace /run/trace {lines}", timeout=60)
        self.run("systemd-run -q --unit=broker mosquitto -c /run/host/mosquitto.conf", timeout=60)
        uml.wait_for("grep -q 'irq 1' /run/trace", SLOW_S)

    def show(self, unit: str, *names: str) -> dict:
        """Properties of a unit."""
        text = self.run(f"systemctl show {unit} -p {','.join(names)}")
        return dict(line.split("=", 1) for line in text.splitlines())

    def value(self, unit: str, name: str) -> str:
        return self.show(unit, name)[name]

    def wait_active(self, unit: str, restarts: int, timeout: float) -> float:
        """Until it runs again after so many restarts. How long that took."""
        began = time.monotonic()
        self.uml.wait_for(f"[ $(systemctl show -p NRestarts --value {unit}) -ge {restarts} ] && "
                          f"systemctl is-active -q {unit}", timeout)
        return time.monotonic() - began

    def restarts(self, unit: str) -> int:
        return int(self.value(unit, "NRestarts"))

    def journal(self, unit: str) -> str:
        return self.run(f"journalctl -b --no-pager -o cat -u {unit}", timeout=60)

    def tap(self, uid: str):
        """One tap; it is stored when this returns."""
        self.run(f"echo 'tap {uid}' >/run/emu")
        self.uml.wait_for(f"[ $(journalctl -b -o cat -u {GATEWAY} | grep -c 'tap of tag') -gt "
                          f"{self.taps} ]", SLOW_S)
        self.run("echo remove >/run/emu")
        self.taps += 1

    taps = 0

    def stored(self) -> int:
        """Records of our gateway that the collector has."""
        text = self.run("curl -s --unix-socket /run/ecm-collector/metrics http://c/metrics")
        return int(re.search(r"^ecm_collector_records_total (\d+)$", text, re.M)[1])


@pytest.fixture(scope="module", name="machine")
def made_machine(tmp_path_factory, kernel, programs):
    with Uml(tmp_path_factory.mktemp("systemd"), kernel, memory="320M",
             init=HERE / "init.sh", boot_limit_s=180) as uml:
        yield Machine(uml, programs)


@pytest.fixture(name="say")
def made_say(capsys):
    def print_line(text: str):
        with capsys.disabled():
            print(f"\nsystemd: {text}", end="")
    return print_line


# The tests follow each other's footsteps on one machine: keep their order.

def test_systemd_is_the_first_process_and_the_units_are_understood(machine, say):
    assert machine.run("cat /proc/1/comm").strip() == "systemd"
    say(f"{machine.run('systemctl --version').splitlines()[0]}, boot to shell "
        f"{machine.uml.boot_s:.1f} s, {machine.run('cat /sys/fs/cgroup/cgroup.controllers')}")
    for unit in SHIPPED:
        assert machine.run(f"systemd-analyze verify --man=no {unit} 2>&1", timeout=60) == ""


@pytest.mark.parametrize("unit", SHIPPED)
def test_a_unit_is_exposed_to_little_on_this_kernel(machine, say, unit):
    text = machine.run(f"systemd-analyze --no-pager security {unit}", timeout=60)
    level = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", text)[1])
    say(f"{unit}: exposure {level}")
    assert level <= 2.0


@pytest.mark.parametrize("unit", [COLLECTOR, GATEWAY])
def test_a_unit_starts_when_it_is_ready_and_not_before(machine, say, unit):
    began = time.monotonic()
    machine.run(f"systemctl start {unit}", timeout=120)  # returns at READY=1
    assert machine.value(unit, "ActiveState") == "active"
    say(f"{unit}: ready after {time.monotonic() - began:.1f} s, memory "
        f"{int(machine.value(unit, 'MemoryCurrent')) >> 10} KiB of "
        f"{int(machine.value(unit, 'MemoryMax')) >> 10} KiB")


def test_a_tap_is_stored_and_reaches_the_collector_under_all_that_hardening(machine):
    machine.tap("04A1B2C3D4E5F6")
    machine.uml.wait_for("curl -s --unix-socket /run/ecm-collector/metrics http://c/metrics | "
                         "grep -q '^ecm_collector_records_total [1-9]'", SLOW_S)
    # What the network thread, the clock and the feedback need was not taken away from them.
    for word in ("Operation not permitted", "Permission denied", "feedback-fault"):
        assert word not in machine.journal(GATEWAY), machine.journal(GATEWAY)


@pytest.mark.parametrize("unit", SHIPPED)
def test_a_daemon_has_its_own_user_and_folders_and_no_right_beyond(machine, unit):
    name = unit.removesuffix(".service")
    pid = machine.value(unit, "MainPID")
    status = dict(line.split(":\t", 1) for line in
                  machine.run(f"cat /proc/{pid}/status").splitlines() if ":\t" in line)
    assert status["Uid"].split()[0] == machine.run(f"id -u {name}").strip() != "0"
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert {int(status[cap], 16) for cap in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    mode = "700" if unit == GATEWAY else "750"
    assert machine.run(f"stat -c '%U %a' /var/lib/{name}").split() == [name, mode]
    assert machine.run(f"stat -c '%U' /run/{name}/metrics").strip() == name
    # In the daemon's own name space nothing else may be written to.
    inside = f"nsenter -t {pid} -m"
    for folder in ("/usr", "/etc", "/var/lib"):
        assert not machine.uml.succeeds(f"{inside} touch {folder}/forbidden"), folder
    assert machine.uml.succeeds(f"{inside} test -w /var/lib/{name}")


def test_the_gateway_may_open_its_own_devices_and_no_other(machine):
    group = "/sys/fs/cgroup" + machine.value(GATEWAY, "ControlGroup")
    join = f"echo $(sh -c 'echo $PPID') >{group}/cgroup.procs"
    for device, may in (("/dev/gpiochip0", True), ("/dev/spidev0.0", True), ("/dev/null", True),
                        ("/dev/fuse", False), ("/dev/cuse", False)):
        assert machine.uml.succeeds(f"head -c0 {device}"), f"{device} is not there"
        assert machine.uml.succeeds(f"{join}; head -c0 {device}") == may, device


def test_a_stopped_gateway_is_killed_by_the_watchdog_and_goes_on(machine, say):
    before = machine.restarts(GATEWAY)
    machine.run(f"kill -STOP {machine.value(GATEWAY, 'MainPID')}")
    took = machine.wait_active(GATEWAY, before + 1, WATCHDOG_S[GATEWAY] + ABORT_S + SLOW_S)
    assert "Watchdog timeout" in machine.journal(GATEWAY)
    assert "Failed with result 'watchdog'" in machine.journal(GATEWAY)
    machine.tap("04A1B2C3D4E5F7")
    say(f"SIGSTOP: running again after {took:.0f} s (WatchdogSec {WATCHDOG_S[GATEWAY]})")


def test_a_gateway_whose_disk_hangs_is_not_believed_to_be_alive(machine, say):
    """Its process runs, its network thread turns: the loop does not."""
    before = machine.restarts(GATEWAY)
    machine.run("touch /run/wedge-disk")
    machine.run("echo 'tap 04A1B2C3D4E5F8' >/run/emu")
    machine.uml.wait_for(f"journalctl -b -o cat -u {GATEWAY} | grep -c 'Watchdog timeout' | "
                         "grep -q 2", WATCHDOG_S[GATEWAY] + SLOW_S)
    machine.run("rm /run/wedge-disk; echo remove >/run/emu")
    took = machine.wait_active(GATEWAY, before + 1, ABORT_S + SLOW_S)
    say(f"wedged loop: killed, running again {took:.0f} s after the disk came back")


def test_a_collector_whose_network_thread_hangs_is_not_believed_to_be_alive(machine, say):
    """Its loop turns and would feed the watchdog."""
    before = machine.restarts(COLLECTOR)
    began = time.monotonic()
    machine.run("touch /run/wedge-network")
    machine.uml.wait_for(f"journalctl -b -o cat -u {COLLECTOR} | grep -q 'Watchdog timeout'",
                         2 * WATCHDOG_S[COLLECTOR] + SLOW_S)
    fired = time.monotonic() - began
    machine.run("rm /run/wedge-network")
    machine.wait_active(COLLECTOR, before + 1, ABORT_S + SLOW_S)
    say(f"wedged network thread: watchdog after {fired:.0f} s (WatchdogSec "
        f"{WATCHDOG_S[COLLECTOR]})")


@pytest.mark.parametrize("unit", SHIPPED)
def test_a_daemon_that_takes_too_much_memory_is_killed_and_started_again(machine, say, unit):
    before = machine.restarts(unit)
    group = "/sys/fs/cgroup" + machine.value(unit, "ControlGroup")
    assert machine.run(f"cat {group}/memory.max").strip() == machine.value(unit, "MemoryMax")
    machine.run(f"systemctl set-property --runtime {unit} MemoryMax=64K", timeout=60)
    machine.uml.wait_for(f"journalctl -b -o cat -u {unit} | grep -q \"result 'oom-kill'\"", SLOW_S)
    shipped = re.search(r"^MemoryMax=(\S+)", (SHIPPED[unit] / unit).read_text(), re.M)[1]
    machine.run(f"systemctl set-property --runtime {unit} MemoryMax={shipped}", timeout=60)
    machine.wait_active(unit, before + 1, SLOW_S)
    say(f"{unit}: killed at its memory limit, running again, "
        f"{machine.restarts(unit)} restarts so far")


@pytest.mark.parametrize("unit", SHIPPED)
def test_a_killed_daemon_is_started_again(machine, unit):
    before = machine.restarts(unit)
    machine.run(f"systemctl kill -s KILL {unit}")
    machine.wait_active(unit, before + 1, SLOW_S)


@pytest.mark.parametrize("unit", SHIPPED)
def test_a_daemon_stops_cleanly_and_soon(machine, say, unit):
    began = time.monotonic()
    machine.run(f"systemctl stop {unit}", timeout=60)
    assert machine.value(unit, "Result") == "success"
    say(f"{unit}: stopped in {time.monotonic() - began:.1f} s")


@pytest.mark.parametrize("unit", SHIPPED)
def test_a_wrong_configuration_is_said_once_and_not_tried_again(machine, unit):
    name = unit.removesuffix(".service")
    machine.run(f"cp /etc/{name}/{name}.conf /run/good && echo 'nonsense = 1' >>/etc/{name}/{name}.conf")
    machine.uml.succeeds(f"systemctl start {unit}")
    time.sleep(5)
    shown = machine.show(unit, "ActiveState", "ExecMainStatus", "SubState")
    machine.run(f"cp /run/good /etc/{name}/{name}.conf; systemctl reset-failed {unit}")
    assert (shown["ActiveState"], shown["ExecMainStatus"]) == ("failed", "2")
    assert "nonsense" in machine.journal(unit)


def test_not_one_tap_was_lost_in_all_of_it(machine, say):
    for unit in SHIPPED:
        machine.run(f"systemctl start {unit}", timeout=120)
    machine.tap("04A1B2C3D4E5F9")
    owed = "curl -s --unix-socket /run/ecm-gateway/metrics http://g/metrics"
    machine.uml.wait_for(f"{owed} | grep -q '^ecm_gateway_records_owed 0$'", SLOW_S)
    taps = int(re.search(r"^ecm_gateway_taps_total (\d+)$", machine.run(owed), re.M)[1])
    shown = machine.journal(GATEWAY).count(" rc=0 seq=")
    say(f"{taps} taps in the outbox and at the collector, {shown} of them shown")
    # The one whose commit hung was not shown; whether it was stored, the disk alone knew.
    assert taps >= shown == machine.taps
