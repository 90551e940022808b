"""ecm-field on images that a real flash log wrote, and on bundles made, altered and cut short."""
import csv
import io
import json
import os
import pathlib
import struct
import subprocess
import zlib

import pytest

BIN = pathlib.Path(os.environ["ECM_BIN"])
TOOLS = pathlib.Path(os.environ["ECM_TEST_BIN"])
SLOT_A, SLOT_B = 0x10000, 0x88000


def field(*arguments, status=0):
    answer = subprocess.run([BIN / "ecm-field", *map(str, arguments)], capture_output=True, text=True,
                            timeout=30, check=False)
    assert answer.returncode == status, answer.stderr
    assert status == 0 or answer.stderr.count("\n") <= 3
    return answer.stdout if status == 0 else answer.stderr


@pytest.fixture(name="image")
def fixture_image(tmp_path):
    """A whole flash of 2 MiB; its log has 70 records, 40 of them done, one damaged."""
    path = tmp_path / "flash.bin"
    subprocess.run([TOOLS / "make_flash_image", path], check=True, timeout=30)
    return path


def test_log_is_found_and_every_record_is_printed(image):
    rows = list(csv.DictReader(io.StringIO(field("log", image, "--format", "tsv")),
                               delimiter="\t"))
    assert [int(r["seq"]) for r in rows] == [n for n in range(1, 71) if n != 45]
    assert [r["done"] for r in rows[:41]] == ["yes"] * 40 + ["no"]
    assert rows[0]["type"] == "boot" and rows[0]["details"] == "0.1.0"
    assert rows[1]["type"] == "tap" and "uid=04a1b2c3d4e5f6" in rows[1]["details"]
    assert rows[1]["wall"] == "2026-03-28T06:00:02.000Z"
    assert rows[1]["trust"] == "synced"


def test_state_of_the_log_is_told(image):
    log = json.loads(field("log", image, "--format", "json"))
    assert log["device_id"] == "PR-0007"
    assert log["epoch"] == "0123456789abcdef"
    assert (log["oldest_seq"], log["done_seq"], log["head_seq"]) == (1, 40, 70)
    assert (log["missing"], log["slots_damaged"]) == (1, 1)
    assert (log["sectors"], log["sectors_begun"]) == (256, 3)
    text = field("log", image)
    assert "done through 40" in text and "1 damaged" in text


def test_partition_can_be_named(image):
    assert field("log", image, "--offset", "1M") == field("log", image)
    assert field("log", image, "--offset", "0x100000", "--size", "1024K") == field("log", image)
    assert "whole sectors" in field("log", image, "--offset", "1M", "--size", 5000, status=2)
    assert "only" in field("log", image, "--offset", "3M", status=2)


def test_what_is_no_log_is_refused(tmp_path):
    other = tmp_path / "other.bin"
    other.write_bytes(b"\xff" * 65536)
    assert "no sector" in field("log", other, status=2)
    assert "no log was ever begun" in field("log", other, "--offset", 0, status=2)
    other.write_bytes(bytes(range(256)) * 512)
    assert "no sector" in field("log", other, status=2)
    other.write_bytes(b"")
    assert "no sector" in field("log", other, status=2)
    assert "No such file" in field("log", tmp_path / "absent", status=2)
    field("log", status=2)


# ---- updates --------------------------------------------------------------------------------

def program(slot: int, size: int = 5000) -> bytes:
    vectors = struct.pack("<II", 0x20042000, (0x10000000 + slot + 256 + 64) | 1)
    return b"\xff" * 256 + vectors + bytes(i * 7 & 255 for i in range(size))


@pytest.fixture(name="signed")
def fixture_signed(tmp_path):
    (tmp_path / "a.bin").write_bytes(program(SLOT_A))
    (tmp_path / "b.bin").write_bytes(program(SLOT_B, 6000))
    bundle = tmp_path / "up.ecmfw"
    field("firmware", "sign", "--key", tmp_path / "k.pem", "--board", "pico-reader", "--number", 5,
          "--name", "0.5.0", "--offset-a", SLOT_A, "--offset-b", SLOT_B, "--out", bundle,
          tmp_path / "a.bin", tmp_path / "b.bin")
    return bundle, field("firmware", "key", tmp_path / "k.pem").strip()


def test_bundle_that_was_signed_is_right(signed):
    bundle, key = signed
    assert "signature and both programs are right" in field(
        "firmware", "check", bundle, "--public-key", key)
    shown = field("firmware", "show", bundle)
    assert "pico-reader" in shown and "0.5.0 (number 5)" in shown and "WRONG" not in shown


def test_altered_cut_and_foreign_bundles_are_refused(signed, tmp_path):
    bundle, key = signed
    whole = bundle.read_bytes()
    other = field("firmware", "key", tmp_path / "other.pem").strip()
    assert "not signed with that key" in field(
        "firmware", "check", bundle, "--public-key", other, status=1)
    for at, word in ((20, "not signed"), (255, "not signed"), (300, "slot a"), (-1, "slot b")):
        altered = bytearray(whole)
        altered[at] ^= 1
        bundle.write_bytes(altered)
        assert word in field("firmware", "check", bundle, "--public-key", key, status=1)
    bundle.write_bytes(whole[:-1])
    assert "its header says" in field("firmware", "check", bundle, "--public-key", key, status=1)
    bundle.write_bytes(whole[:100])
    assert "not an update bundle" in field("firmware", "show", bundle, status=2)


def test_program_for_the_wrong_slot_is_refused(tmp_path):
    (tmp_path / "b.bin").write_bytes(program(SLOT_B))
    (tmp_path / "raw.bin").write_bytes(program(SLOT_B)[256:])
    say = ["--board", "pico-reader", "--number", 1, "--name", "0.1", "--out", tmp_path / "x"]
    assert "not linked for a slot at 0x10010000" in field(
        "firmware", "stamp", *say, "--slot", "a", "--offset", SLOT_A, tmp_path / "b.bin", status=2)
    assert "kept for its description" in field(
        "firmware", "stamp", *say, "--slot", "b", "--offset", SLOT_B, tmp_path / "raw.bin", status=2)
    assert not (tmp_path / "x").exists()


def test_stamped_image_says_what_it_is(tmp_path):
    (tmp_path / "b.bin").write_bytes(program(SLOT_B))
    field("firmware", "stamp", "--board", "pico-reader", "--number", 3, "--name", "0.3", "--slot", "b",
          "--offset", SLOT_B, "--out", tmp_path / "b.img", tmp_path / "b.bin")
    image = (tmp_path / "b.img").read_bytes()
    assert image[:4] == b"ECMI" and image[256:] == program(SLOT_B)[256:]
    shown = field("firmware", "show", tmp_path / "b.img")
    assert "slot b" in shown and "right" in shown


def test_identity_is_one_block_for_its_page(tmp_path):
    out = tmp_path / "name.uf2"
    device, key = field("identity", "--device", "PR-0007", "--update-key", "ab" * 32, "--home-limit",
                        50400, "--out", out).split()
    block = out.read_bytes()
    assert device == "PR-0007" and len(bytes.fromhex(key)) == 32
    assert len(block) == 512 and out.stat().st_mode & 0o77 == 0
    assert struct.unpack_from("<8I", block) == (
        0x0A324655, 0x9E5D5157, 0x2000, 0x1000C000, 256, 0, 1, 0xE48BFF56)
    page = block[32:288]
    assert page[:15] == b"ECMRDR01PR-0007" and page[80:112] == b"\xab" * 32
    assert struct.unpack_from("<I", page, 44) == (50400,)
    assert struct.unpack_from("<I", page, 252) == (zlib.crc32(page[:252]),)
    assert "not a device id" in field("identity", "--device", "a/b", "--out", out, status=2)
    assert "are needed" in field("identity", "--device", "x", status=2)


def test_bad_usage_is_said(tmp_path):
    assert "say show, check" in field("firmware", status=2)
    assert "'burn'" in field("firmware", "burn", status=2)
    assert "hex digits" in field("firmware", "check", "x", "--public-key", "12", status=2)
    assert "are needed" in field("firmware", "sign", status=2)
    assert "name the PEM" in field("firmware", "key", status=2)
