"""The daemon over an emulated PN532 on a mocked spidev and on a pty, to a real collector."""
import pathlib
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from house import Broker, Collector, Home  # noqa: E402

UID = "04A1B2C3D4E5F6"
OTHER = "04A1B2C3D4E5F7"


@pytest.fixture
def site(tmp_path):
    with Broker(tmp_path) as broker:
        collector = Collector(tmp_path, broker.port).start()
        yield broker, collector
        collector.kill()


@pytest.fixture(params=["pty", "spidev"])
def home(request, tmp_path, site):
    home = Home(tmp_path, site[0].port, link=request.param).start()
    yield home
    home.stop()


def test_a_tap_is_in_the_outbox_and_at_the_collector(home, site):
    seq = home.tap(UID)
    site[1].wait_for(seq)
    assert home.stop() == 0
    records, _, taps = home.outbox()
    assert taps == 1
    assert records == seq


@pytest.mark.parametrize("fault", ["late 800", "garbage", "error", "baddcs", "noack"])
def test_a_disturbed_chip_costs_no_tap(home, site, fault):
    home.do(f"fault {fault}")
    seq = home.tap(UID)
    site[1].wait_for(seq)
    home.stop()
    assert home.outbox()[2] == 1


def test_a_hung_chip_is_reset_and_reads_again(home, site):
    home.do("fault hang")
    fault = home.log.expect("event=reader-down")
    assert "PN532 does not answer" in fault
    home.log.expect("event=reader-down state=ended")
    seq = home.tap(UID)
    site[1].wait_for(seq)
    assert home.log.count("reader-down") == 2


def test_a_tap_right_after_a_tap_is_the_same_again(home, site):
    home.tap(UID)
    home.tap(OTHER)
    time.sleep(2)  # the reader takes a tag for gone after three searches without it
    seq = home.tap(UID)  # and not "leaving stored"
    site[1].wait_for(seq)
    home.stop()
    assert home.outbox()[2] == 3


def test_what_was_acked_is_known_after_a_restart(tmp_path, site):
    home = Home(tmp_path, site[0].port).start()
    first = home.tap(UID)
    site[1].wait_for(first)
    home.kill()
    home.start()
    second = home.tap(OTHER)
    assert second > first
    site[1].wait_for(second)
    home.kill()
    home.start(ready=False)
    home.shown.expect("ready")
    third = home.tap("04A1B2C3D4E5F8")
    site[1].wait_for(third)
    assert home.stop() == 0
    records, _, taps = home.outbox()
    assert (records, taps) == (third, 3)
