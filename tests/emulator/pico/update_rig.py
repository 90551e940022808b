"""A reader with the key of updates, at a real gateway that offers one; and the updates, good and bad."""
import os
import pathlib
import socket
import struct
import subprocess
import time
import zlib

from house import Site
from pico import SLOT_AT, Images, Paced, identity_page

DEVICE = "PR-0007"
KEY = "5a" * 32        # that signs updates
OTHER_KEY = "a5" * 32
BOARD = "pico-reader"
NUMBER = 9009009       # the number of version 9.9.9
PAGE = 256
SECTOR = 4096
RECEIVING, TRIAL, GOOD, BAD = 1, 3, 4, 5  # states of a slot: firmware/boot/control.h
TAKEN_S = 240.0        # 137 KiB at 115200 baud take 15 s when the machine keeps up
TOOL = pathlib.Path(os.environ["ECM_TEST_BIN"]) / "pico-bundle"


def public_key() -> bytes:
    return bytes.fromhex(subprocess.run([TOOL, "key", KEY], check=True, capture_output=True, text=True).stdout)


def make_bundle(images: Images, out: pathlib.Path, key=KEY, board=BOARD, number=NUMBER, programs=None):
    slot_a, slot_b = programs or (images.bin / "next-a.slot", images.bin / "next-b.slot")
    subprocess.run([TOOL, out, key, board, str(number), "9.9.9", slot_a, slot_b], check=True)
    return out


def bad_programs(folder: pathlib.Path, code: bytes) -> list[pathlib.Path]:
    """For either slot a vector table and code at its entry; behind room for the page."""
    files = []
    for slot, offset in SLOT_AT.items():
        entry = 0x10000000 + offset + PAGE + 8
        files.append(folder / f"bad-{slot}")
        files[-1].write_bytes(b"\xff" * PAGE + struct.pack("<II", 0x20042000, entry + 1) + code * 150)
    return files


class Rig:
    """with Rig(...) as rig: the reader runs slot a, which has said that it works; then offer()."""

    def __init__(self, tmp_path: pathlib.Path, images: Images):
        folder = tmp_path / "site"
        folder.mkdir()
        self.socket = folder / "metrics"
        self.site = Site(folder, **{"metrics.socket": self.socket})
        self.pico = Paced(tmp_path, images, images.flash(identity_page(DEVICE, update_key=public_key())), 9,
                          self.site.line)

    def __enter__(self):
        self.site.start()
        self.pico.__enter__()
        self.pico.do("pace", on=True, loose=True)  # no times are looked at
        self.pico.wait_ready()
        self.wait(lambda: self.slot_state("a") == GOOD, "it does not confirm", step_s=0.5)
        assert self.running() == "a"
        return self

    def offer(self, bundle: pathlib.Path):
        """The gateway is configured anew."""
        self.site.settings["tagreaders.update"] = bundle
        self.site.stop_gateway()
        self.site.start_gateway()

    def __exit__(self, *exc):
        self.pico.__exit__(*exc)
        self.site.stop()

    def said(self) -> str:
        return self.site.gateway_log.read_text()

    def running(self) -> str:
        """The slot the core is in, by its address."""
        return self.pico.facts()["slot"]

    def wait(self, is_done, what: str, timeout_s: float = TAKEN_S, step_s: float = 0.1):
        end = time.monotonic() + timeout_s
        while not is_done():
            assert time.monotonic() < end, f"{what}: {self.pico.facts()} {self.said()[-2000:]}"
            self.pico.poll()
            time.sleep(step_s)

    def until_slot(self, slot: str):
        self.wait(lambda: self.running() == slot, f"slot {slot} does not run")

    def until_said(self, part: str, timeout_s: float = TAKEN_S):
        self.wait(lambda: part in self.said(), f"the gateway does not say '{part}'", timeout_s)

    def metric(self, name: str) -> int:
        """Of our reader, at the gateway; 0 when it is not there."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(self.socket))
            client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            page = b"".join(iter(lambda: client.recv(4096), b"")).decode()
        start = f'ecm_gateway_{name}{{tag_reader="{DEVICE}"}} '
        return next((int(line[len(start):]) for line in page.splitlines() if line.startswith(start)), 0)

    def pass_simulated(self, ms: float):
        """Let the reader live for so long."""
        end = self.pico.us + ms * 1000
        self.wait(lambda: self.pico.us >= end, "the emulator stands still")

    def restart(self):
        self.pico.do("off")
        self.pico.do("on")
        self.pico.wait_ready()

    def tap(self, uid: str) -> str:
        lamp = self.pico.tap_paced(uid, TAKEN_S)
        self.pass_simulated(1200)  # the tag is known to be gone
        return lamp

    def slot_state(self, slot: str) -> int:
        """What the newest control record says of a slot."""
        file = self.pico.folder / "saved.bin"
        self.pico.do("save", file=str(file))
        control = file.read_bytes()[0xE000:0x10000]
        records = [control[at:at + 128] for at in range(0, len(control), 128)]
        sound = [r for r in records if r[:4] == b"ECMC" and zlib.crc32(r[:124]) == struct.unpack("<I", r[124:])[0]]
        newest = max(sound, key=lambda r: struct.unpack_from("<I", r, 8), default=bytes(128))
        return newest[12 if slot == "a" else 52]

    def collected(self) -> list[str]:
        """Once all of the reader's log is at the collector: the tags of its taps. Ends the site's daemons."""
        def is_there():
            head = int(self.pico.records(DEVICE)[-1][0])
            self.site.wait_stored(DEVICE, head, TAKEN_S)
            return True
        assert is_there()
        self.site.stop_daemons()
        return [row[2] for row in self.site.stored(DEVICE)]
