"""The power fails in each block of an update, one after the other, in the emulated tag reader.

One long update: the real firmware asks the real gateway for its successor. In each block of it, while one
of its pages is written to the other slot, in the erase of each sector and in each control record, the power
goes; after each the reader starts, from flash alone, and goes on. The cuts of every single byte are on the
host (tests/crash/firmware).
"""
import os
import random
import time

from pico import SLOT_AT
from update_rig import DEVICE, GOOD, PAGE, SECTOR, Rig, make_bundle

# Pages for each of which the power fails once. 4: a block of the link; 1: every page; more: a sample.
PAGES = int(os.environ.get("ECM_PICO_UPDATE_PAGES", "4"))
CONTROL = {"from": 0xE000, "to": 0x10000}
TAP_EVERY = 40    # cuts
AFTER = 0.2       # so many of the cuts come right after the operation, not in it
TORN = 0.3        # of a control record: it does not count
START_S = 120.0   # real
OPERATIONS = 40   # of the flash, for a cut: a start, and at most a sector once more


def program_size(images) -> int:
    return (images.bin / "next-b.slot").stat().st_size - PAGE


def plan_cuts(size: int, chance: random.Random) -> list[dict]:
    """All that an update writes, in its order, each to be met by one cut."""
    slot = SLOT_AT["b"]
    end = slot + PAGE + size
    chosen = {chance.choice(range(block, min(block + PAGES * PAGE, end), PAGE))
              for block in range(slot + PAGE, end, PAGES * PAGE)}
    cuts = []
    for sector in range(slot, end, SECTOR):
        pages = sorted(chosen.intersection(range(sector, sector + SECTOR)))
        if pages:
            cuts += [{"kind": "erase", **CONTROL}, {"kind": "program", **CONTROL},
                     {"kind": "erase", "from": sector, "to": sector + 1}]
        cuts += [{"kind": "program", "from": page, "to": page + 1} for page in pages]
    # The page in front of the program, and the word that it is whole.
    cuts += [{"kind": "program", "from": slot, "to": slot + 1},
             {"kind": "erase", **CONTROL}, {"kind": "program", "part": TORN, **CONTROL}]
    return cuts


class Sweep:
    def __init__(self, rig: Rig, chance: random.Random):
        self.rig, self.pico, self.chance = rig, rig.pico, chance
        self.known = []  # records that were in the log before the last cut
        self.green = []  # tags whose tap was shown as stored
        self.cuts = 0

    def arm(self, where: dict):
        part = 1 if self.chance.random() < AFTER else self.chance.random()
        self.pico.do("cut_at", **{"part": part, **where})

    def until_off(self):
        self.rig.wait(lambda: not self.pico.facts()["is_on"], "it does not come to this operation", step_s=0.02)
        self.cuts += 1

    def start(self, next_cut: dict | None):
        """The old program runs, and the log has what it had."""
        if next_cut is not None:
            self.arm(next_cut)
        self.pico.do("on")
        assert self.pico.wait_for("green", True, START_S, self.pico.us) is not None, self.pico.facts()
        assert self.rig.running() == "a"
        now = self.pico.records(DEVICE)
        assert now[:len(self.known)] == self.known, "the log has lost something"
        assert [row[3] for row in now if row[2] == "1"] == self.green
        self.known = now

    def start_and_tap(self, next_cut: dict):
        self.pico.do("cable", on=False)  # else the update would get past the next cut
        self.start(None)
        self.tap()
        self.arm(next_cut)
        self.pico.do("cable", on=True)

    def tap(self):
        uid = f"04{len(self.green):012X}"
        self.rig.wait(lambda: not self.pico.facts()["lines"]["green"], "it blinks for ever")
        assert self.rig.tap(uid) == "green"
        self.green.append(uid)

    def cut_the_trial(self):
        """The boot loader writes down that it tries the new program: before it does, and while."""
        self.start({"kind": "erase", "skip": 1, **CONTROL})  # the first one says that all is there
        self.until_off()
        self.arm({"kind": "program", "part": TORN, **CONTROL})
        self.pico.do("on")
        self.until_off()
        self.pico.do("on")


def test_an_update_interrupted_at_every_block_loses_nothing_and_ends_well(tmp_path, images, say):
    bundle = make_bundle(images, tmp_path / "update")
    chance = random.Random(3)
    cuts = plan_cuts(program_size(images), chance)
    began = time.monotonic()
    with Rig(tmp_path, images) as rig:
        sweep = Sweep(rig, chance)
        sweep.tap()
        before = rig.pico.facts()["flash_operations"]
        sweep.arm(cuts[0])
        rig.offer(bundle)
        for number, next_cut in enumerate(cuts[1:], 1):
            sweep.until_off()
            if number % TAP_EVERY == 0:
                sweep.start_and_tap(next_cut)
            else:
                sweep.start(next_cut)
        sweep.until_off()
        sweep.cut_the_trial()
        operations = rig.pico.facts()["flash_operations"] - before
        rig.until_slot("b")
        rig.wait(lambda: rig.slot_state("b") == GOOD, "it does not confirm", step_s=0.5)
        sweep.tap()
        assert rig.collected() == sweep.green
    blocks = (program_size(images) + PAGES * PAGE - 1) // (PAGES * PAGE)
    say(f"update of {blocks} blocks of {PAGES * PAGE} bytes, the power failed in each and in {sweep.cuts} of its "
        f"flash operations: each time the old program started and the log was whole; taken in the end; {len(sweep.green)} "
        f"of {len(sweep.green)} taps in the collector; {operations / sweep.cuts:.1f} flash operations a cut; "
        f"{time.monotonic() - began:.0f} s")
    assert PAGES > 4 or operations < OPERATIONS * sweep.cuts, "it began anew instead of going on"
