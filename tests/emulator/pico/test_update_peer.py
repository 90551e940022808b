"""Updates that only a bad gateway would send (link_peer.py), into the emulated tag reader."""
import errno
import os
import pty
import time
import tty

import pytest
from link_peer import Peer
from pico import Paced, identity_page
from update_rig import BOARD, DEVICE, TAKEN_S, make_bundle, public_key

UID = "04000000000001"


@pytest.fixture
def line():
    """A pty: the reader's end, the gateway's end."""
    ends = pty.openpty()
    tty.setraw(ends[1])
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def pico(tmp_path, images, line):
    flash = images.flash(identity_page(DEVICE, update_key=public_key()))
    with Paced(tmp_path, images, flash, 9, line[0]) as machine:
        machine.do("pace", on=True, loose=True)
        machine.wait_ready()
        yield machine


def wait(pico, is_done, what: str):
    end = time.monotonic() + TAKEN_S
    while not is_done():
        assert time.monotonic() < end, f"{what}: {pico.facts()}"
        pico.poll()
        time.sleep(0.1)


def test_an_update_for_another_board_is_refused_by_the_reader_itself(tmp_path, images, pico, line):
    bundle = make_bundle(images, tmp_path / "update", board="pico2-reader")
    with Peer(line[1], bundle.read_bytes(), BOARD) as peer:  # the offer lies
        wait(pico, lambda: peer.results, "no result")
    assert peer.results[0] == (-errno.EXDEV, "for another board")
    assert peer.blocks == 1, "more than the header was asked for"
    assert pico.facts()["slot"] == "a"
    assert pico.tap_paced(UID) == "green"


def test_a_block_that_is_too_short_ends_the_update_and_not_the_reader(tmp_path, images, pico, line):
    def serve(offset, data, count):
        return offset, data[:100] if count == 20 else data
    bundle = make_bundle(images, tmp_path / "update")
    with Peer(line[1], bundle.read_bytes(), BOARD, serve) as peer:
        wait(pico, lambda: peer.results, "no result")
    assert peer.results[0] == (-errno.EINVAL, "the gateway sent something else than was asked for")
    assert pico.facts()["slot"] == "a"
    assert pico.tap_paced(UID) == "green"


def test_blocks_that_were_not_asked_for_or_never_come_only_delay_an_update(tmp_path, images, pico, line):
    def serve(offset, data, count):
        if count % 40 == 3:
            return offset + 256, data  # of elsewhere
        if count % 40 == 16:
            return offset, data + b"x"  # more than a block can have
        return None if count % 40 == 29 else (offset, data)
    bundle = make_bundle(images, tmp_path / "update")
    with Peer(line[1], bundle.read_bytes(), BOARD, serve) as peer:
        wait(pico, lambda: peer.results, "no result")
        assert peer.results[0][0] == 0
        wait(pico, lambda: pico.facts()["slot"] == "b", "it does not start")
