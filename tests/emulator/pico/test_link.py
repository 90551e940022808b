"""The emulated tag reader on a real line: the real gateway, a real broker, the real collector.

Simulated time follows real time here, because gateway and collector live in it. On a busy machine it lags;
then everything takes longer, but the times stay what they are (pico.mjs).
"""
import os
import random
import threading
import time

import pytest
from house import Site, wait_until
from pico import Paced, identity_page

DEVICE = "PR-0007"
SEED = bytes(range(1, 33))
TAPS = int(os.environ.get("ECM_PICO_LINK_TAPS", "500"))
CUTS = TAPS // 10          # power cuts in flash operations
PULLS = TAPS // 25         # of the cable
KILLS = max(1, TAPS // 100)  # of the gateway
TIME_MS = 50
SLACK_MS = 15              # from laying a tag down until the chip has found it (emu_timing_default), and
                           # whole milliseconds at both ends
GREEN_US = 1_500_000       # simulated: a tap without a light by then gets none
REMOVED_US = 1_100_000     # the light is off again, and the tag is known to be gone
PULLED_S = (0.2, 3.0)
PATIENCE_S = 120.0         # real: the emulator is dead


def uid_of(number: int) -> str:
    return f"04{number:012X}"


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    with Site(folder) as it:
        yield it


def arm_cut(pico: Paced, chance: random.Random):
    """The power will fail in one of the next flash operations. A start that ends before it ever heard the
    time leaves taps without one; that is another test's, so it hears it first."""
    pico.do("cable", on=True)
    wait_until(lambda: knows_the_time(pico), "the reader knows the time", PATIENCE_S, 0.2)
    pico.do("cut", operation=chance.randint(1, 4), part=chance.random())


class Noise:
    """How long this machine lets a process wait that wants to run: what times can be judged by."""

    def __init__(self):
        self.worst_ms = 0.0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self.stopped.is_set():
            began = time.monotonic()
            time.sleep(0.005)
            self.worst_ms = max(self.worst_ms, (time.monotonic() - began) * 1000 - 5)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()


def judge_times(stored, green, noise: Noise) -> str:
    """Each within what the evidence itself says; and within TIME_MS, where the machine lets that be seen."""
    errors = []
    for row in stored:
        error = int(row[4]) - green[row[2]]
        assert abs(error) <= int(row[7]) + SLACK_MS, f"off by {error:.0f} ms, and says {row[7]}: {row}"
        errors.append(abs(error))
    errors.sort()
    within = sum(e <= TIME_MS for e in errors)
    if noise.worst_ms < TIME_MS:
        assert within == len(errors), f"off by {errors[-1]:.0f} ms"
    return (f"effective times off by {errors[-1]:.0f} ms at most, half of them by {errors[len(errors) // 2]:.0f}, "
            f"{within} of {len(errors)} by {TIME_MS} or less, each by less than it says itself "
            f"(a process here waited up to {noise.worst_ms:.0f} ms to run)")


def knows_the_time(pico: Paced) -> bool:
    """Whether this start has its anchor: a clock_set behind the last boot."""
    types = [row[2] for row in pico.records(DEVICE)]
    return "3" in types[len(types) - types[::-1].index("2"):]


class Carer:
    """Taps one tag after the other, as often as it takes to see green; remembers when it was."""

    def __init__(self, pico: Paced):
        self.pico = pico
        self.green = {}      # uid -> Unix ms at which the tag was found, within what pacing allows
        self.doubtful = set()  # uids of taps whose light never came
        self.cuts = 0

    def tap(self, uid: str):
        while uid not in self.green:
            placed = self.pico.do("place", uid=uid)
            truth = self.pico.unix_us / 1000
            lamp = self._wait_for_light(placed)
            if lamp == "green":
                self.green[uid] = truth
            else:
                self.doubtful.add(uid)
            if not self._power_is_on():
                self._restart()
            else:
                self.pico.do("remove")
                self._let_pass(REMOVED_US)
                if not self._power_is_on():  # it may fail after the light too
                    self._restart()

    def extra_taps(self) -> int:
        return max(0, len(self.green) - TAPS)

    def _power_is_on(self) -> bool:
        return self.pico.facts()["is_on"]

    def _let_pass(self, us: int):
        """Simulated time, while the power is on."""
        end, limit = self.pico.us + us, time.monotonic() + PATIENCE_S
        while self._power_is_on() and self.pico.us < end:
            assert time.monotonic() < limit, "the emulator stands still"
            time.sleep(0.01)

    def _wait_for_light(self, since: float) -> str:
        limit = time.monotonic() + PATIENCE_S
        while self.pico.us < since + GREEN_US:
            self.pico.poll()
            for lamp in ("green", "red"):
                if self.pico.since(since, lamp):
                    return lamp
            if self.pico.since(since, "power", False):
                return "dark"
            assert time.monotonic() < limit, "the emulator stands still"
            time.sleep(0.01)
        return "dark"

    def _restart(self):
        self.cuts += 1
        self.pico.do("on")
        self.pico.wait_ready()


def test_a_tap_reaches_the_collector_signed_and_in_time(tmp_path, images, site, say):
    flash = images.flash(identity_page(DEVICE, seed=SEED))
    with Noise() as noise, Paced(tmp_path, images, flash, 5, site.line) as pico:
        pico.do("pace", on=True)
        pico.wait_ready()
        carer = Carer(pico)
        for i in range(3):
            carer.tap(uid_of(i))
        site.wait_stored(DEVICE, 5)  # boot, anchor, three taps
    site.stop_daemons()
    stored = site.stored(DEVICE)
    assert [row[2] for row in stored] == [uid_of(i) for i in range(3)]
    assert all(row[6] == "1" for row in stored), "a batch was not signed"
    say(f"a tap in the collector: {judge_times(stored, carer.green, noise)}")


def test_five_hundred_taps_through_every_trouble(tmp_path, images, site, say):
    chance = random.Random(20)
    # What happens before which tap, in an order that chance decided.
    troubles = ["cut"] * CUTS + ["pull"] * PULLS + ["kill"] * KILLS
    at = sorted(chance.sample(range(TAPS), len(troubles)))
    chance.shuffle(troubles)
    plan = dict(zip(at, troubles))
    pulls = kills = cuts = 0
    began = time.monotonic()
    with Noise() as noise, Paced(tmp_path, images, images.flash(identity_page(DEVICE)), 21,
                                 site.line) as pico:
        pico.do("pace", on=True)
        pico.wait_ready()
        carer = Carer(pico)
        put_back = 0.0
        for i in range(TAPS):
            trouble = plan.get(i)
            if trouble == "pull":
                pico.do("cable", on=False)
                put_back = time.monotonic() + chance.uniform(*PULLED_S)
                pulls += 1
            elif trouble == "kill":
                site.kill_gateway()
                site.start_gateway()
                kills += 1
            cuts += trouble == "cut"
            if cuts > carer.cuts and not pico.facts()["cut_waits"]:
                arm_cut(pico, chance)
            carer.tap(uid_of(i))
            if put_back and time.monotonic() > put_back:
                pico.do("cable", on=True)
                put_back = 0.0
        pico.do("cable", on=True)
        while carer.cuts < cuts:  # the last one may still wait for its operation
            if not pico.facts()["cut_waits"]:
                arm_cut(pico, chance)
            carer.tap(uid_of(TAPS + carer.extra_taps()))
        wait_until(lambda: knows_the_time(pico), "the reader knows the time", PATIENCE_S, 0.2)
        head = int(pico.records(DEVICE)[-1][0])
        site.wait_stored(DEVICE, head, 120)
        lag = pico.facts()["lag_worst_ms"]
    took = time.monotonic() - began
    site.stop_daemons()
    judge(site.stored(DEVICE), carer, noise, say,
          f"{TAPS} taps in {took:.0f} s, {carer.cuts} power cuts, {pulls} pulls of the cable, {kills} kills "
          f"of the gateway, worst lag of the emulator {lag:.0f} ms")
    assert (carer.cuts, pulls, kills) == (CUTS, PULLS, KILLS)


def judge(stored, carer, noise: Noise, say, story: str):
    """Every green light is one record, in order, at its time; what was not shown may be there too."""
    identities = [(row[0], int(row[1])) for row in stored]
    assert len(identities) == len(set(identities)), "a record is there twice"
    assert identities == sorted(identities, key=lambda i: i[1]), "not in order"
    # Of a tag that was tapped again because no light came, the last record is the one that was shown.
    last = {row[2]: row for row in stored}
    extra = len(stored) - len(last)
    assert list(dict.fromkeys(row[2] for row in stored)) == list(carer.green), "not all, or not in order"
    assert extra <= len(carer.doubtful)
    assert "unknown" not in {row[5] for row in stored}
    sources = ", ".join(sorted({row[5] for row in last.values()}))
    say(f"{story}: {len(last)} of {len(carer.green)} in the collector, once each, in order; {extra} more were stored "
        f"but not shown; times ({sources}): {judge_times(list(last.values()), carer.green, noise)}")
