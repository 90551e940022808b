"""The emulated tag reader (pico.mjs), for tests in Python.

    with Pico(folder, images, seed=1) as pico:
        pico.run(500)
        pico.tap("04010203040506")
"""
import json
import os
import pathlib
import struct
import subprocess
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = pathlib.Path(os.environ["ECM_SOURCE"])
IDENTITY_AT = 0x00C000  # boards/pico-reader.h
SLOT_AT = {"a": 0x010000, "b": 0x088000}
HEALTHY_BOOT_MS = 3000


def identity_page(device: str, seed: bytes = bytes(32), update_key: bytes = bytes(32),
                  home_limit_s: int = 0) -> bytes:
    """firmware/identity/identity.h."""
    page = b"ECMRDR01" + device.encode().ljust(33, b"\0") + bytes(3)
    page += struct.pack("<I", home_limit_s) + seed + update_key
    page += b"\xff" * (252 - len(page))
    return page + struct.pack("<I", zlib.crc32(page))


class Images:
    """What tools/pico/build made, and what the emulator needs besides, made once a session."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.bin = pathlib.Path(os.environ.get("ECM_PICO_BUILD", SOURCE / "build" / "pico")) / "bin"
        self.parts = (SOURCE / "build" / "pico-parts").resolve()
        self.rom = folder / "rom.bin"
        self.wasm = folder / "pn532.wasm"
        self._make_rom()
        self._make_wasm()

    def _make_rom(self):
        obj, elf = self.folder / "rom.o", self.folder / "rom.elf"
        for command in (["arm-none-eabi-as", "-o", obj, HERE / "rom.S"],
                        ["arm-none-eabi-ld", "--section-start=.rom=0", "-e", "0", "-o", elf, obj],
                        ["arm-none-eabi-objcopy", "-O", "binary", "-j", ".rom", elf, self.rom]):
            subprocess.run(command, check=True)

    def _make_wasm(self):
        sources = [HERE / "pn532_wasm.c", HERE / "libc" / "string.c"]
        sources += [SOURCE / "hal" / name for name in (
            "fake/emu_pn532.c", "fake/emu_command.c", "fake/emu_tag.c", "chip/pn532_frame.c")]
        subprocess.run(["clang", "--target=wasm32", "-Os", "-ffreestanding", "-fno-builtin", "-nostdlib",
                        "-Wl,--no-entry", f"-I{SOURCE}", f"-I{HERE / 'libc'}", "-o", self.wasm, *sources],
                       check=True)

    def flash(self, identity: bytes | None, slot_a: bytes | None = None) -> bytes:
        """A Pico as it leaves the workshop: boot loader, the program in slot a, an identity."""
        flash = bytearray((self.bin / "reader.flash").read_bytes())
        if slot_a is not None:
            flash[SLOT_AT["a"]:] = slot_a
        if identity is not None:
            flash[IDENTITY_AT:IDENTITY_AT + len(identity)] = identity
        return bytes(flash)


class Pico:
    def __init__(self, folder: pathlib.Path, images: Images, flash: bytes, seed: int = 1,
                 line: int | None = None):
        self.folder = folder
        self.events = []
        self.us = 0
        self.unix_us = None
        self.line = line
        file = folder / "flash.bin"
        file.write_bytes(flash)
        self.command = ["node", HERE / "pico.mjs", images.parts, images.rom, images.wasm, file, str(seed)]
        self.process = None

    def __enter__(self):
        lines = () if self.line is None else (self.line,)
        self.process = subprocess.Popen([*self.command, *map(str, lines)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, pass_fds=lines)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def do(self, what: str, **arguments):
        self.process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the emulator has died"
        answer = json.loads(answer)
        assert answer["error"] is None, answer["error"]
        self.events += answer["events"]
        self.us, self.unix_us = answer["us"], answer["unix_us"]
        return answer["result"]

    def run(self, ms: float):
        self.do("run", ms=ms)

    def until(self, what: str, value=True, ms: float = 10000) -> bool:
        return self.do("until", line=what, value=value, ms=ms)

    def since(self, us: int, what: str, value=True) -> list[int]:
        """When, from then on, something became value."""
        return [at for name, now, at in self.events if at >= us and name == what and now == value]

    def boot(self):
        """Until it shows that it is ready: a green blink."""
        assert self.until("green", True, HEALTHY_BOOT_MS), self.facts()["trouble"]
        assert self.until("green", False, HEALTHY_BOOT_MS)

    def tap(self, uid: str, ms: float = 1500, **tag) -> str:
        """Hold a tag to the reader until a lamp answers: green, red or dark (power failed, nothing)."""
        placed = self.do("place", uid=uid, **tag)
        self.until("green", True, ms)
        lamp = "green" if self.since(placed, "green") else "red" if self.since(placed, "red") else "dark"
        if self.facts()["is_on"]:
            self.do("remove")
        self.placed_us = placed
        return lamp

    def records(self, device: str) -> list[list[str]]:
        """What lies in the flash now: seq, boot, type, uid, direction, flags."""
        file = self.folder / "saved.bin"
        self.do("save", file=str(file))
        tool = pathlib.Path(os.environ["ECM_TEST_BIN"]) / "pico-log"
        text = subprocess.run([tool, "list", file, device], check=True, capture_output=True, text=True).stdout
        return [line.split() for line in text.splitlines()]

    def facts(self) -> dict:
        return self.do("facts")


class Paced(Pico):
    """The same in real time: between commands the machine goes on by itself."""

    def __enter__(self):
        super().__enter__()
        self.events.append(("power", True, 0))
        return self

    def poll(self) -> list:
        """What happened since the last command."""
        seen = len(self.events)
        self.do("facts")
        return self.events[seen:]

    def wait_ready(self, timeout_s: float = 120.0):
        """Until it has started, and its blink is over."""
        at = [us for name, value, us in self.events if (name == "power" and value) or name == "reset"][-1]
        end = time.monotonic() + timeout_s
        while not (self.since(at, "green") and not self.facts()["lines"]["green"]):
            assert time.monotonic() < end, self.facts()
            self.poll()
            time.sleep(0.02)

    def wait_for(self, what: str, value=True, timeout_s: float = 10.0, since_us: int = 0) -> int | None:
        """The simulated time at which it happened, or None."""
        end = time.monotonic() + timeout_s
        while True:
            found = self.since(since_us, what, value)
            if found:
                return found[0]
            if time.monotonic() > end:
                return None
            self.poll()
            time.sleep(0.005)

    def tap_paced(self, uid: str, timeout_s: float = 20.0) -> str:
        placed = self.do("place", uid=uid)
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            self.poll()
            for lamp in ("green", "red"):
                if self.since(placed, lamp):
                    self.do("remove")
                    return lamp
            time.sleep(0.01)
        return "dark"
