"""A new firmware over the link, into the emulated tag reader, by the real gateway: taken, refused, rolled back.

docs/UPDATE.md. Interruptions are in test_update_cuts.py, what only a bad gateway would send in
test_update_peer.py.
"""
import pathlib
import re
import time

import pytest
from update_rig import (BAD, BOARD, DEVICE, GOOD, NUMBER, OTHER_KEY, RECEIVING, TAKEN_S, TRIAL, Rig, bad_programs,
                        make_bundle)

QUIET_MS = 60_000   # long enough for four questions of the reader, each of which could be answered with an offer
TRIALS = 3
TRIAL_MS = 300_000  # firmware/pico/main.c
RESULT = "event=tag-reader-update "
FAILED = "event=tag-reader-update-failed "
# Code at the entry of a program that does not work.
HANGS = b"\x30\xbf\xfd\xe7"  # wfi, and back
# ldr r0, =WATCHDOG_CTRL; ldr r1, =TRIGGER; str r1, [r0]; b .
RESETS = bytes.fromhex("014802490160fee7" "00800540" "00000080")


def uid_of(number: int) -> str:
    return f"04{number:012X}"


def test_a_good_update_is_taken_tried_and_kept_and_costs_no_tap(tmp_path, images, say):
    bundle = make_bundle(images, tmp_path / "update")
    with Rig(tmp_path, images) as rig:
        uids = [uid_of(i) for i in range(5)]
        assert rig.tap(uids[0]) == "green"
        began = time.monotonic()
        rig.offer(bundle)
        rig.wait(lambda: rig.slot_state("b") == RECEIVING, "it does not begin")
        assert rig.tap(uids[1]) == "green"  # while blocks come
        assert rig.running() == "a"
        rig.until_slot("b")
        rig.pico.wait_ready()
        assert rig.tap(uids[2]) == "green"  # before it has confirmed, or just after
        rig.wait(lambda: rig.slot_state("b") == GOOD, "it does not confirm")
        took = time.monotonic() - began
        assert rig.tap(uids[3]) == "green"
        for _ in range(TRIALS + 1):
            rig.restart()
        assert rig.running() == "b"
        assert rig.tap(uids[4]) == "green"
        assert "taken over" in rig.said() and FAILED not in rig.said()
        assert rig.collected() == uids
    say(f"update of {bundle.stat().st_size // 2048} KiB taken, tried and kept in {took:.0f} s; "
        f"{len(uids)} of {len(uids)} taps before, in and after it in the collector")


def altered(bundle: pathlib.Path, at: int):
    data = bytearray(bundle.read_bytes())
    data[at] ^= 1
    bundle.write_bytes(data)


@pytest.mark.parametrize("trouble, sentence", [
    ("another key", "not signed with the key"), ("an altered header", "not signed with the key"),
    ("an altered program", "not the one that was signed"), ("cut short", "not all of one"),
    ("an older version", "older than what runs")])
def test_a_bad_update_is_refused_once_and_said_why(tmp_path, images, trouble, sentence):
    arguments = {"another key": {"key": OTHER_KEY}, "an older version": {"number": 1}}.get(trouble, {})
    bundle = make_bundle(images, tmp_path / "update", **arguments)
    if trouble == "an altered header":
        altered(bundle, 12)  # the version's number
    elif trouble == "an altered program":
        altered(bundle, -1000)
    elif trouble == "cut short":
        bundle.write_bytes(bundle.read_bytes()[:-1000])
    with Rig(tmp_path, images) as rig:
        assert rig.tap(uid_of(0)) == "green"
        rig.offer(bundle)
        rig.until_said(sentence)
        rig.pass_simulated(QUIET_MS)
        assert rig.said().count(RESULT) == 1, "it is offered again and again"
        rig.restart()
        assert rig.running() == "a" and rig.slot_state("b") != TRIAL
        assert rig.tap(uid_of(1)) == "green"
        assert rig.collected() == [uid_of(0), uid_of(1)]


def test_an_update_for_another_board_is_not_offered_and_said_why(tmp_path, images):
    bundle = make_bundle(images, tmp_path / "update", board="pico2-reader")
    with Rig(tmp_path, images) as rig:
        rig.offer(bundle)
        rig.until_said("event=tag-update-board tag_reader=PR-0007")
        assert f"is for board 'pico2-reader' and not offered to a tag reader on board '{BOARD}'" in rig.said()
        rig.pass_simulated(QUIET_MS)
        assert rig.said().count("event=tag-update-board") == 1
        assert rig.running() == "a" and rig.slot_state("b") == 0 and RESULT not in rig.said()


def expect_rolled_back(rig: Rig):
    """The old program runs, the gateway knows and says so once, and nothing begins anew."""
    rig.until_said(FAILED)
    assert rig.running() == "a"
    rig.wait(lambda: (rig.slot_state("a"), rig.slot_state("b")) == (GOOD, BAD), "the states are not those of a roll-back", 30)
    assert re.search(rf"update 9\.9\.9 of a tag reader did not prove itself, it runs [0-9.]+ again {FAILED}"
                     rf"tag_reader={DEVICE}", rig.said())
    assert rig.metric("tag_reader_update_failed") == 1
    boots, said = rig.pico.facts()["boots"], rig.said().count(RESULT)
    rig.pass_simulated(QUIET_MS)
    assert (rig.pico.facts()["boots"], rig.said().count(RESULT), rig.said().count(FAILED)) == (boots, said, 1)


@pytest.mark.parametrize("kind, code", [("hangs", HANGS), ("resets at once", RESETS)])
def test_an_update_that_does_not_work_is_rolled_back_and_not_tried_again(tmp_path, images, say, kind, code):
    bundle = make_bundle(images, tmp_path / "update", programs=bad_programs(tmp_path, code))
    with Rig(tmp_path, images) as rig:
        assert rig.tap(uid_of(0)) == "green"
        boots = rig.pico.facts()["boots"]
        rig.offer(bundle)
        rig.wait(lambda: rig.pico.facts()["boots"] == boots + TRIALS + 1, "it is not tried, or not given up")
        expect_rolled_back(rig)
        # A gateway that was started anew offers it once, is told, and is quiet.
        boots, failed = rig.pico.facts()["boots"], rig.said().count(FAILED)
        rig.offer(bundle)
        rig.until_said("was tried before and did not prove itself")
        rig.pass_simulated(QUIET_MS)
        assert rig.said().count(RESULT) == 2 and rig.said().count(FAILED) == failed + 1
        assert rig.pico.facts()["boots"] == boots
        assert rig.tap(uid_of(1)) == "green"
        # The way is free for a better one.
        rig.offer(make_bundle(images, tmp_path / "better", number=NUMBER + 1))
        rig.until_slot("b")
        rig.wait(lambda: rig.slot_state("b") == GOOD and rig.metric("tag_reader_update_failed") == 0,
                 "the better one does not work")
        assert rig.collected() == [uid_of(0), uid_of(1)]
    say(f"an update that {kind} was started {TRIALS} times and rolled back, said in log and metrics, refused when "
        "offered again; a better one was taken")


def test_an_update_that_never_hears_a_gateway_is_rolled_back(tmp_path, images, say):
    """The real program, which does all but hear a gateway: nobody could ever replace it again."""
    bundle = make_bundle(images, tmp_path / "update")
    with Rig(tmp_path, images) as rig:
        rig.offer(bundle)
        rig.until_slot("b")  # the cable breaks before it can say hello: it takes 200 ms to start
        rig.pico.do("cable", on=False)
        rig.pico.do("pace", on=False)
        began = rig.pico.us
        for _ in range(TRIALS):
            assert rig.pico.do("until", line="reset", value=True, ms=2 * TRIAL_MS) is not None
            rig.pico.run(1000)
        assert rig.running() == "a"
        took = (rig.pico.us - began) / 60e6
        rig.pico.do("cable", on=True)
        rig.pico.do("pace", on=True, loose=True)
        expect_rolled_back(rig)
    say(f"an update that hears no gateway is rolled back after {took:.0f} minutes (simulated)")
