"""A gateway's board inside User-Mode Linux: PN532, lamps, the daemon, a broker and a collector.

The trace of emu_pn532_uml.c is what happened on the wires; Trace asks it questions.
"""
import configparser
import pathlib
import time

from uml import Uml, UmlError

DEVICE = "gw-uml"
LINES = {"reset": 24, "green": 17, "red": 27, "amber": 22, "buzzer": 18}
IRQ_LINE, CASE_LINE, ASSIST_LINE, FREE_LINE = 25, 5, 6, 7
STATISTICS = "/sys/class/spi_master/spi0/statistics"


class Trace:
    """The events of the wires: (time in us, what, detail), oldest first."""

    def __init__(self, text: str):
        self.events = []
        for line in text.splitlines():
            at, what, *detail = line.split(" ", 2)
            self.events.append((int(at), what, detail[0] if detail else ""))

    def after(self, at_us: int) -> "Trace":
        part = Trace("")
        part.events = [e for e in self.events if e[0] > at_us]
        return part

    def find(self, what: str, detail: str) -> list[int]:
        """When what happened, as far as its detail begins so."""
        return [e[0] for e in self.events if e[1] == what and e[2].startswith(detail)]

    def first(self, what: str, detail: str) -> int:
        times = self.find(what, detail)
        assert times, f"{what} {detail} never happened in {self.events[-20:]}"
        return times[0]

    def pulses_ms(self, line: str, level: str = "1") -> list[tuple[float, float]]:
        """When a line had this level: (since the first such moment, for how long)."""
        found, begin, first = [], None, None
        for at, what, detail in self.events:
            if what != line:
                continue
            if detail == level and begin is None:
                begin = at
                first = at if first is None else first
            elif detail != level and begin is not None:
                found.append(((begin - first) / 1000, (at - begin) / 1000))
                begin = None
        return found


class Board:
    """Everything is started by start(); one board a machine."""

    def __init__(self, uml: Uml, programs: pathlib.Path, shipped: pathlib.Path):
        self.uml = uml
        self.programs = programs
        self.shipped = shipped
        self.folder = uml.folder

    def start(self):
        self._write_configuration()
        self.uml.run("mkfifo /run/emu")
        lines = " ".join(f"{name}={number}" for name, number in LINES.items())
        # Hardware does not wait for the processor: before the daemon goes on after a sleep, the
        # emulator has looked at the lines.
        self._start("emulator", f"chrt -f 50 {self.programs}/tests/bin/emu-pn532-uml --chip /run/chip "
                    f"--irq {IRQ_LINE} --fifo /run/emu --trace /run/trace {lines}")
        self.uml.wait_for("grep -q 'irq 1' /run/trace")
        self._start("mosquitto", "mosquitto -c /run/host/mosquitto.conf")
        self._wait_log("mosquitto", "running")
        self._start("subscriber", f"mosquitto_sub -h 127.0.0.1 -t 'ecm/v1/+/{DEVICE}/#' "
                    "-t 'ecm/v1/+/alert' -F '%t %x'")
        self._start("collector", f"{self.programs}/bin/ecm-collector --store /run/collector.db")
        self._wait_log("collector", "broker-up")
        self.start_gateway()

    def _start(self, name: str, command: str):
        self.uml.run(f"{command} >>/run/{name}.log 2>&1 & echo $! >/run/{name}.pid")

    def _wait_log(self, name: str, word: str):
        try:
            self.uml.wait_for(f"grep -q {word} /run/{name}.log")
        except UmlError as error:
            raise UmlError(f"{error}; {name} says: {self.log(name)}") from None

    def start_gateway(self):
        self._start("gateway", f"{self.programs}/bin/ecm-gateway -c /run/host/gateway.conf")

    def stop_gateway(self, signal: str = "TERM"):
        self.uml.run(f"kill -{signal} $(cat /run/gateway.pid)")
        self.uml.wait_for("! kill -0 $(cat /run/gateway.pid) 2>/dev/null")

    def _write_configuration(self):
        """What we ship, but for names and places."""
        conf = configparser.ConfigParser(interpolation=None)
        conf.read_string(self.shipped.read_text())
        conf["gateway"].update({"site": "demo", "device": DEVICE, "log_level": "debug",
                                "state_dir": "/run/host/state"})
        conf["mqtt"] = {"host": "127.0.0.1", "port": "1883", "backoff_max_s": "2"}
        # The simulated pull is the contact itself, so the daemon must ask for none of its own.
        conf["inputs"] = {"case": f"pinctrl-bcm2835:{CASE_LINE}", "case_bias": "none",
                          "assist": f"pinctrl-bcm2835:{ASSIST_LINE}", "assist_bias": "none"}
        with open(self.folder / "gateway.conf", "w", encoding="utf-8") as file:
            conf.write(file)
        (self.folder / "mosquitto.conf").write_text(
            "listener 1883 127.0.0.1\nallow_anonymous true\nuser root\npersistence false\n")

    def command(self, text: str):
        """Tell the emulated chip something; it answers ok."""
        answers = int(self.uml.run("wc -l </run/emulator.log"))
        self.uml.run(f"echo '{text}' >/run/emu")
        self.uml.wait_for(f"[ $(wc -l </run/emulator.log) -gt {answers} ]")
        answer = self.uml.run("tail -n 1 /run/emulator.log").strip()
        assert answer == "ok", f"{text}: {answer}"

    def pull(self, line: int, level: bool):
        """Move a contact."""
        self.uml.run(f"echo pull-{'up' if level else 'down'} >/run/chip/sim_gpio{line}/pull")

    def inputs(self) -> list[list[str]]:
        """What the collector has of case and button: (what, state), oldest first."""
        text = self.uml.run(f"{self.programs}/bin/ecm-collector --store /run/collector.db --inputs")
        return [line.split("\t")[3:5] for line in text.splitlines()[1:]]

    def now_us(self) -> int:
        return int(float(self.uml.run("cut -d' ' -f1 /proc/uptime")) * 1e6)

    def trace(self) -> Trace:
        """All that has happened so far. By way of the host: closing a file there writes it out."""
        self.uml.run("cp /run/trace /run/host/trace")
        return Trace((self.folder / "trace").read_text())

    def wait_trace(self, since_us: int, what: str, detail: str, timeout: float = 20.0) -> Trace:
        """The trace after since_us, once this is in it."""
        end = time.monotonic() + timeout
        while True:
            trace = self.trace().after(since_us)
            if trace.find(what, detail):
                return trace
            if time.monotonic() > end:
                raise UmlError(f"{what} {detail} did not happen in {timeout} s; gateway says: "
                               + self.uml.run("tail -n 5 /run/gateway.log"))
            time.sleep(0.1)

    def wait_quiet(self, for_s: float = 1.0, timeout: float = 20.0):
        """Until nothing moves on the bus for some time."""
        end = time.monotonic() + timeout
        while self.transfers() != (time.sleep(for_s) or self.transfers()):
            if time.monotonic() > end:
                raise UmlError("the bus does not come to rest")

    def transfers(self) -> int:
        return int(self.uml.run(f"cat {STATISTICS}/transfers"))

    def irqs(self) -> int:
        """Interrupts of the IRQ line that the kernel has counted."""
        for line in self.uml.run("cat /proc/interrupts").splitlines():
            words = line.split()
            if "irq_sim" in line and str(IRQ_LINE) in words:
                return int(words[1])
        return 0

    def log(self, name: str = "gateway") -> str:
        return self.uml.run(f"cat /run/{name}.log")
