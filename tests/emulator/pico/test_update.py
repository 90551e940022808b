"""A new firmware over the link, into the emulated tag reader: taken, interrupted, refused, rolled back.

docs/UPDATE.md. The sweep over every block and every flash operation is on the host
(tests/unit/firmware); here it is the whole way, sampled.
"""
import os
import pathlib
import random
import struct
import subprocess
import time

import pytest
from house import Site
from pico import Paced, identity_page

DEVICE = "PR-0007"
KEY = "5a" * 32        # that signs updates
OTHER_KEY = "a5" * 32
BOARD = "pico-reader"
CUTS = 6
TAKEN_S = 240.0        # 128 KiB at 115200 baud take 15 s when the machine keeps up


@pytest.fixture(scope="session")
def tool() -> pathlib.Path:
    return pathlib.Path(os.environ["ECM_TEST_BIN"]) / "pico-bundle"


@pytest.fixture(scope="session")
def public_key(tool) -> bytes:
    return bytes.fromhex(subprocess.run([tool, "key", KEY], check=True, capture_output=True, text=True).stdout)


def make_bundle(tool, images, out, key=KEY, board=BOARD, number=9009009, programs=None):
    slot_a, slot_b = programs or (images.bin / "next-a.slot", images.bin / "next-b.slot")
    subprocess.run([tool, out, key, board, str(number), "9.9.9", slot_a, slot_b], check=True)
    return out


def program_that_hangs(folder: pathlib.Path, offset: int) -> pathlib.Path:
    """A vector table and a sleep for ever; behind room for the page."""
    start = 0x10000000 + offset + 256
    vectors = struct.pack("<II", 0x20042000, start + 8 + 1)
    file = folder / f"hang-{offset:x}"
    file.write_bytes(b"\xff" * 256 + vectors + b"\x30\xbf\xfd\xe7" * 150)  # wfi, and back
    return file


class Rig:
    """A reader with the key of updates, at a gateway that offers one."""

    def __init__(self, tmp_path, images, public_key, bundle):
        folder = tmp_path / "site"
        folder.mkdir()
        self.site = Site(folder, **{"tagreaders.update": bundle})
        self.pico = Paced(tmp_path, images, images.flash(identity_page(DEVICE, update_key=public_key)), 9,
                          self.site.line)

    def __enter__(self):
        self.site.start()
        self.pico.__enter__()
        self.pico.do("pace", on=True, loose=True)  # no times are looked at
        self.pico.wait_ready()
        return self

    def __exit__(self, *exc):
        self.pico.__exit__(*exc)
        self.site.stop()

    def until_slot(self, slot: str, timeout_s: float = TAKEN_S):
        """Until the program of that slot runs, by the address the core is at."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if self.running() == slot:
                return
            time.sleep(0.3)
        raise AssertionError(f"slot {slot} does not run: {self.site.gateway_log.read_text()[-2000:]}")

    def running(self) -> str:
        return self.pico.facts()["slot"]

    def until_said(self, part: str, timeout_s: float = TAKEN_S):
        end = time.monotonic() + timeout_s
        while part not in self.site.gateway_log.read_text():
            assert time.monotonic() < end, self.site.gateway_log.read_text()[-2000:]
            self.pico.poll()
            time.sleep(0.3)


def test_a_good_update_is_taken_tried_and_kept(tmp_path, images, tool, public_key, say):
    bundle = make_bundle(tool, images, tmp_path / "update")
    began = time.monotonic()
    with Rig(tmp_path, images, public_key, bundle) as rig:
        assert rig.running() == "a"
        rig.until_slot("b")
        time.sleep(10)  # it hears the gateway, and confirms
        for _ in range(4):  # more starts than a trial has
            rig.pico.do("off")
            rig.pico.do("on")
            rig.pico.wait_ready()
        rig.pico.poll()
        assert rig.running() == "b"
        assert rig.pico.tap_paced("04000000000001") == "green"
    say(f"update of {bundle.stat().st_size // 2048} KiB taken, tried and kept in {time.monotonic() - began:.0f} s")


def test_power_cuts_in_an_update_only_delay_it(tmp_path, images, tool, public_key, say):
    bundle = make_bundle(tool, images, tmp_path / "update")
    chance = random.Random(3)
    cuts = 0
    with Rig(tmp_path, images, public_key, bundle) as rig:
        for _ in range(CUTS):
            rig.pico.do("cut", operation=chance.randint(20, 150), part=chance.random())
            end = time.monotonic() + TAKEN_S
            while rig.pico.facts()["is_on"] and rig.running() == "a" and time.monotonic() < end:
                time.sleep(0.1)
            if not rig.pico.facts()["is_on"]:
                cuts += 1
                rig.pico.do("on")
                rig.pico.wait_ready()
        rig.until_slot("b")
    say(f"update with {cuts} power cuts in its flash operations: taken")
    assert cuts >= 3


@pytest.mark.parametrize("trouble, sentence", [
    ("signature", "not signed with the key"), ("older", "older than what runs"),
    ("altered", "not the one that was signed")])
def test_a_bad_update_is_refused_and_said_why(tmp_path, images, tool, public_key, trouble, sentence):
    arguments = {"signature": {"key": OTHER_KEY}, "older": {"number": 1}}
    bundle = make_bundle(tool, images, tmp_path / "update", **arguments.get(trouble, {}))
    if trouble == "altered":
        data = bytearray(bundle.read_bytes())
        data[-1000] ^= 1
        bundle.write_bytes(data)
    with Rig(tmp_path, images, public_key, bundle) as rig:
        rig.until_said(sentence)
        assert rig.running() == "a"
        assert rig.pico.tap_paced("04000000000001") == "green"


def test_an_update_that_never_confirms_is_rolled_back(tmp_path, images, tool, public_key, say):
    programs = [program_that_hangs(tmp_path, offset) for offset in (0x10000, 0x88000)]
    bundle = make_bundle(tool, images, tmp_path / "update", programs=programs)
    with Rig(tmp_path, images, public_key, bundle) as rig:
        rig.until_slot("b")
        rig.until_slot("a")
        boots = rig.pico.facts()["boots"]
        rig.pico.poll()
        assert rig.pico.tap_paced("04000000000001") == "green"
        rig.until_said("did not prove itself")  # the gateway still offers it
        assert rig.running() == "a"
    say(f"an update that hangs was started {boots - 2} times and rolled back")
