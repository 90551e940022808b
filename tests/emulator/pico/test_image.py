"""tools/pico/image: the files that are written to a Pico, against the UF2 specification.

Needs neither the toolchain nor the emulator.
"""
import hashlib
import os
import pathlib
import struct
import subprocess
import zlib

SOURCE = pathlib.Path(os.environ["ECM_SOURCE"])
TOOL = SOURCE / "tools" / "pico" / "image"
RP2040 = 0xE48BFF56  # the family in uf2families.json


def run(*arguments, check=True) -> subprocess.CompletedProcess:
    return subprocess.run([TOOL, *map(str, arguments)], check=check, capture_output=True, text=True)


def blocks_of(file: pathlib.Path) -> list[tuple]:
    data = file.read_bytes()
    assert len(data) % 512 == 0
    return [struct.unpack("<8I476sI", data[at:at + 512]) for at in range(0, len(data), 512)]


def test_a_uf2_holds_every_page_once_at_its_address(tmp_path):
    loader, slot, out = tmp_path / "loader", tmp_path / "slot", tmp_path / "out.uf2"
    loader.write_bytes(bytes(range(256)) * 3 + b"tail")
    slot.write_bytes(b"\x5a" * 512)
    run("uf2", out, f"0x10000={slot}", f"0={loader}")
    blocks = blocks_of(out)
    assert len(blocks) == 4 + 2
    for i, (first, second, flags, _, size, number, count, family, data, last) in enumerate(blocks):
        assert (first, second, last) == (0x0A324655, 0x9E5D5157, 0x0AB16F30)
        assert flags == 0x2000 and family == RP2040  # familyID present; nothing else
        assert (size, number, count) == (256, i, len(blocks))
        assert data[256:] == bytes(220)
    assert [b[3] for b in blocks] == [0x10000000 + at for at in (0, 256, 512, 768, 0x10000, 0x10100)]
    assert b"".join(b[8][:256] for b in blocks[:4]) == loader.read_bytes().ljust(1024, b"\xff")
    assert b"".join(b[8][:256] for b in blocks[4:]) == slot.read_bytes()


def test_the_flash_reads_as_it_was_written(tmp_path):
    part, out = tmp_path / "part", tmp_path / "out"
    part.write_bytes(b"abc")
    run("flash", out, f"0x100={part}")
    assert out.read_bytes() == b"\xff" * 256 + b"abc" + b"\xff" * 253


def test_parts_that_overlap_or_begin_inside_a_page_are_refused(tmp_path):
    part, out = tmp_path / "part", tmp_path / "out"
    part.write_bytes(bytes(300))
    for pieces in ([f"0={part}", f"256={part}"], [f"1={part}"], ["0"], [f"0={tmp_path / 'none'}"]):
        answer = run("uf2", out, *pieces, check=False)
        assert answer.returncode == 1
        assert answer.stderr.startswith("image: ") and answer.stderr.count("\n") == 1
        assert not out.exists()


def test_a_page_describes_the_program_behind_it(tmp_path):
    program, out = tmp_path / "program", tmp_path / "out"
    program.write_bytes(b"\xff" * 256 + b"\x42" * 1000)
    run("page", "--slot", 1, "--offset", "0x88000", "--board", "pico-reader", "--number", 1000,
        "--version", "0.1.0", program, out)
    image = out.read_bytes()
    page = image[:256]
    assert image[256:] == program.read_bytes()[256:]
    assert page[:4] == b"ECMI" and page[5] == 1
    assert struct.unpack("<III", page[8:20]) == (0x88000, 1000, 1000)
    assert page[68:100] == hashlib.sha256(b"\x42" * 1000).digest()
    assert struct.unpack("<I", page[252:])[0] == zlib.crc32(page[:252])


def test_a_program_without_room_for_its_page_is_refused(tmp_path):
    program = tmp_path / "program"
    program.write_bytes(b"\x42" * 1000)
    answer = run("page", "--slot", 0, "--offset", 0, "--board", "b", "--number", 1, "--version", "v",
                 program, tmp_path / "out", check=False)
    assert answer.returncode == 1 and "FF" in answer.stderr
