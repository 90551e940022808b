"""The emulated tag reader on a real line: the real gateway, a real broker, the real collector.

Simulated time follows real time here, because gateway and collector live in it. On a machine that is too
slow for that the test says so and stops: a clock that lags would be measured as one that is wrong.
"""
import os
import random
import time

import pytest
from house import Site
from pico import Paced, identity_page

DEVICE = "PR-0007"
SEED = bytes(range(1, 33))
TAPS = int(os.environ.get("ECM_PICO_LINK_TAPS", "500"))
CUTS = TAPS // 10          # power cuts in flash operations
PULLS = TAPS // 25         # of the cable
KILLS = max(1, TAPS // 100)  # of the gateway
TIME_MS = 50
GREEN_S = 15.0
REMOVED_S = 0.7            # three rounds without the tag
PULLED_S = (0.2, 3.0)


def uid_of(number: int) -> str:
    return f"04{number:012X}"


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    with Site(folder) as it:
        yield it


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
                time.sleep(REMOVED_S)
                if not self._power_is_on():  # it may fail after the light too
                    self._restart()

    def _power_is_on(self) -> bool:
        return self.pico.facts()["is_on"]

    def _wait_for_light(self, since: float) -> str:
        end = time.monotonic() + GREEN_S
        while time.monotonic() < end:
            self.pico.poll()
            for lamp in ("green", "red"):
                if self.pico.since(since, lamp):
                    return lamp
            if self.pico.since(since, "power", False):
                return "dark"
            time.sleep(0.01)
        return "dark"

    def _restart(self):
        self.cuts += 1
        self.pico.do("on")
        at = self.pico.us
        assert self.pico.wait_for("green", timeout_s=60, since_us=at) is not None, self.pico.facts()


def test_a_tap_reaches_the_collector_signed_and_in_time(tmp_path, images, site, say):
    flash = images.flash(identity_page(DEVICE, seed=SEED))
    with Paced(tmp_path, images, flash, 5, site.line) as pico:
        pico.do("pace", on=True)
        assert pico.wait_for("green", timeout_s=60)
        carer = Carer(pico)
        for i in range(3):
            carer.tap(uid_of(i))
        site.wait_stored(DEVICE, 5)  # boot, anchor, three taps
    site.stop_daemons()
    stored = site.stored(DEVICE)
    assert [row[2] for row in stored] == [uid_of(i) for i in range(3)]
    assert all(row[6] == "1" for row in stored), "a batch was not signed"
    errors = [int(row[4]) - carer.green[row[2]] for row in stored]
    say(f"a tap in the collector: effective times are off by {min(errors):.0f} to {max(errors):.0f} ms")
    assert max(map(abs, errors)) <= TIME_MS


def test_five_hundred_taps_through_every_trouble(tmp_path, images, site, say):
    chance = random.Random(20)
    # What happens before which tap, in an order that chance decided.
    troubles = ["cut"] * CUTS + ["pull"] * PULLS + ["kill"] * KILLS
    at = sorted(chance.sample(range(TAPS), len(troubles)))
    chance.shuffle(troubles)
    plan = dict(zip(at, troubles))
    pulls = kills = 0
    began = time.monotonic()
    with Paced(tmp_path, images, images.flash(identity_page(DEVICE)), 21, site.line) as pico:
        pico.do("pace", on=True)
        assert pico.wait_for("green", timeout_s=60)
        carer = Carer(pico)
        put_back = 0.0
        for i in range(TAPS):
            trouble = plan.get(i)
            if trouble == "cut":
                pico.do("cut", operation=chance.randint(1, 4), part=chance.random())
            elif trouble == "pull":
                pico.do("cable", on=False)
                put_back = time.monotonic() + chance.uniform(*PULLED_S)
                pulls += 1
            elif trouble == "kill":
                site.kill_gateway()
                site.start_gateway()
                kills += 1
            carer.tap(uid_of(i))
            if put_back and time.monotonic() > put_back:
                pico.do("cable", on=True)
                put_back = 0.0
        pico.do("cable", on=True)
        head = pico.head_of(tmp_path / "last.bin", DEVICE)
        site.wait_stored(DEVICE, head, 120)
        lag = pico.facts()["lag_worst_ms"]
    took = time.monotonic() - began
    site.stop_daemons()
    judge(site.stored(DEVICE), carer, say,
          f"{TAPS} taps in {took:.0f} s, {carer.cuts} power cuts, {pulls} pulls of the cable, {kills} kills "
          f"of the gateway, worst lag of the emulator {lag:.0f} ms")
    assert carer.cuts >= CUTS * 9 // 10
    assert (pulls, kills) == (PULLS, KILLS)


def judge(stored, carer, say, story: str):
    """Every green light is one record, in order, at its time; what was not shown may be there too."""
    identities = [(row[0], int(row[1])) for row in stored]
    assert len(identities) == len(set(identities)), "a record is there twice"
    assert identities == sorted(identities, key=lambda i: i[1]), "not in order"
    # Of a tag that was tapped again because no light came, the last record is the one that was shown.
    last = {row[2]: row for row in stored}
    extra = len(stored) - len(last)
    assert list(dict.fromkeys(row[2] for row in stored)) == list(carer.green), "not all, or not in order"
    assert extra <= len(carer.doubtful)
    errors = [int(last[uid][4]) - truth for uid, truth in carer.green.items()]
    sources = {row[5] for row in stored}
    errors.sort(key=abs)
    say(f"{story}: {len(last)} of {len(carer.green)} in the collector, once each, in order; {extra} more were "
        f"stored but not shown; effective times ({', '.join(sorted(sources))}) off by {abs(errors[-1]):.0f} ms "
        f"at most, half of them by {abs(errors[len(errors) // 2]):.0f}")
    assert "unknown" not in sources
    assert abs(errors[-1]) <= TIME_MS
