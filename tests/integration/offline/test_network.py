"""A gateway behind a network that misbehaves: what was green is at the collector, once."""
import collections
import os
import pathlib
import shutil
import struct
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / part) for part in ("gateway", "sim", "lib")]
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from certs import Authority  # noqa: E402
from house import Broker, Collector, Home, TOOLS, wait_until  # noqa: E402
from proxy import Proxy  # noqa: E402
from simlib import taps_in_store  # noqa: E402

import pytest  # noqa: E402


def tag(number):
    return f"04{number:012X}"


def tags_at(collector):
    """How often each tag is at the collector; bounces count too."""
    return collections.Counter(tap.uid for tap in taps_in_store(collector.folder / "store.db"))


def each_once(numbers):
    return collections.Counter(tag(n) for n in numbers)


@pytest.fixture
def site(tmp_path):
    """A broker, a proxy in front of it, a collector beside it."""
    with Broker(tmp_path) as broker, Proxy(broker.port) as proxy:
        collector = Collector(tmp_path, broker.port).start()
        yield broker, proxy, collector
        collector.kill()


@pytest.fixture
def home(tmp_path, site):
    home = Home(tmp_path, site[1].port, **{"mqtt.keepalive_s": 5}).start()
    yield home
    home.stop()


def test_a_half_open_connection_is_noticed_and_left(home, site):
    _, proxy, collector = site
    collector.wait_for(home.tap(tag(1)))
    proxy.swallow()
    started = time.monotonic()
    last = home.tap(tag(2))
    home.log.expect("event=broker-down")
    assert time.monotonic() - started < 15  # one and a half times the keep-alive, and a little
    home.log.expect("event=broker-down state=ended")
    collector.wait_for(last)
    assert tags_at(collector) == each_once([1, 2])


def test_a_slow_network_only_takes_longer(home, site):
    _, proxy, collector = site
    proxy.delay_s = 0.3
    last = [home.tap(tag(n)) for n in range(5)][-1]
    collector.wait_for(last)
    assert tags_at(collector) == each_once(range(5))


def test_connections_cut_in_mid_message_neither_lose_nor_double(home, site):
    _, proxy, collector = site
    collector.wait_for(home.tap(tag(0)))
    for number, size in enumerate((1, 40, 90, 130, 170, 260), start=1):
        cuts = proxy.cuts
        proxy.cut_after(size)
        last = home.tap(tag(number))
        wait_until(lambda before=cuts: proxy.cuts > before, f"a cut after {size} bytes", 40)
    collector.wait_for(last)
    assert tags_at(collector) == each_once(range(7))


def test_a_broker_that_forgot_everything_is_told_anew(home, site):
    broker, _, collector = site
    collector.wait_for(home.tap(tag(1)))
    broker.kill()
    home.log.expect("event=broker-down")
    home.tap(tag(2))
    broker.start()  # no persistence: no subscription, no retained state, no session
    home.log.expect("event=broker-down state=ended")
    collector.wait_for(home.tap(tag(3)))
    assert tags_at(collector) == each_once([1, 2, 3])


def test_an_older_store_is_filled_again(home, site):
    _, _, collector = site
    store = collector.folder / "store.db"
    backup = collector.folder / "backup"
    collector.wait_for([home.tap(tag(n)) for n in range(3)][-1])
    collector.kill()
    backup.mkdir()
    for part in collector.folder.glob("store.db*"):
        shutil.copy(part, backup)
    collector.start()
    last = [home.tap(tag(n)) for n in range(3, 7)][-1]
    collector.wait_for(last)
    collector.kill()
    for part in collector.folder.glob("store.db*"):
        part.unlink()
    for part in backup.iterdir():
        shutil.copy(part, store.parent)
    collector.start()
    last = home.tap(tag(7))
    collector.wait_for(last)
    assert tags_at(collector) == each_once(range(8))


def test_a_collector_that_is_away_is_asked_now_and_then_and_gets_all(home, site):
    _, _, collector = site
    collector.wait_for(home.tap(tag(0)))
    collector.kill()
    last = [home.tap(tag(n)) for n in range(1, 8)][-1]
    home.log.expect("event=collector-silent")
    assert home.log.count("event=collector-silent") == 1
    collector.start()
    collector.wait_for(last)
    assert tags_at(collector) == each_once(range(8))


def test_attempts_on_a_dead_network_grow_rarer_up_to_the_limit_and_never_end(tmp_path, site):
    # That they are jittered is shown in tests/integration/base/test_mqtt.py.
    _, proxy, collector = site
    home = Home(tmp_path, proxy.port, **{"mqtt.backoff_max_s": 4}).start()
    home.tap(tag(1))
    proxy.refuse = True
    for pipe in list(proxy.pipes):
        pipe.close()
    first = len(proxy.attempts)
    wait_until(lambda: len(proxy.attempts) - first >= 6, "six attempts", 60)
    times = proxy.attempts[first:]
    waits = [b - a for a, b in zip(times, times[1:])]
    assert all(0.4 < wait < 6 for wait in waits), waits
    assert min(waits[-2:]) > 1.9, waits  # half of the limit at least
    proxy.refuse = False
    collector.wait_for(home.tap(tag(2)))
    home.stop()


def test_two_gateways_of_one_name_lose_nothing_and_are_seen(tmp_path, site):
    _, proxy, collector = site
    homes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        homes.append(Home(tmp_path / name, proxy.port).start())
    for number in range(4):
        homes[0].tap(tag(number))
        homes[1].tap(tag(100 + number))
    everything = each_once([*range(4), *range(100, 104)])
    wait_until(lambda: tags_at(collector) == everything, "all taps of both", 60)
    log = collector.folder / "collector.log"
    wait_until(lambda: "event=device-twice" in log.read_text(), "the alarm", 60)
    for home in homes:
        home.stop()


class WallClock:
    """What the gateway's wall clock shows; see clock_shim.c."""

    def __init__(self, folder):
        self.path = folder / "clock"
        self.set(ahead_s=-int(time.time()), is_synced=False)  # 1970

    def set(self, ahead_s, is_synced):
        with open(self.path, "r+b" if self.path.exists() else "wb") as file:
            file.write(struct.pack("=qq", ahead_s, is_synced))

    def environment(self):
        asan = os.environ.get("ASAN_OPTIONS", "")
        return {"ECM_CLOCK_FILE": str(self.path), "LD_PRELOAD": str(TOOLS / "clock_shim.so"),
                "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0".strip(":")}


def test_a_clock_at_1970_stops_tls_but_no_tap_and_both_recover_when_it_is_set(tmp_path, monkeypatch):
    authority = Authority(tmp_path)
    cert, key = authority.issue("localhost")
    clock = WallClock(tmp_path)
    with Broker(tmp_path, extra=f"cafile {authority.cert}\ncertfile {cert}\nkeyfile {key}\n") as tls:
        home = Home(tmp_path, tls.port, **{"mqtt.ca_file": authority.cert,
                                           "mqtt.host": "localhost"})
        for name, value in clock.environment().items():
            monkeypatch.setenv(name, value)
        home.start()
        reason = home.log.expect("event=broker-down")
        assert "certificate verify failed" in reason, reason
        home.tap(tag(1))
        clock.set(ahead_s=0, is_synced=True)
        home.log.expect("event=broker-down state=ended")
        home.log.expect("clock anchored")
        clock.set(ahead_s=-int(time.time()), is_synced=False)  # back to 1970 in mid-session
        home.tap(tag(2))
        wait_until(lambda: home.log.count("event=clock-unset") >= 1, "doubt is said", 70)
        home.tap(tag(3))
        assert home.log.count("event=broker-down") == 2  # began and ended: the session stands
        home.stop()
    assert home.outbox()[2] == 3
