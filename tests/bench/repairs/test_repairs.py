"""What docs/REPAIRS.md claims, on a small seeded week: far less is paid wrongly, and little by a repair."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import repairs  # noqa: E402
import week  # noqa: E402

HOMES, SEED, BACK_TO_BACK = 40, 11, 0.2
RIGHT_PERMILLE = 950     # of the slots a repair pays by itself, at least
OVERPAID_PERMILLE = 40   # of them, at most


@pytest.fixture(scope="module", params=[(4, 0.03), (14, 0.10)], ids=["4h-3%", "14h-10%"])
def found(request, tmp_path_factory):
    limit_h, forget = request.param
    folder = tmp_path_factory.mktemp("week")
    homes = week.make(HOMES, SEED, BACK_TO_BACK)
    print(f"seed {SEED}, {HOMES} homes, limit {limit_h} h, {forget:.0%} forgotten")
    return repairs.measure(repairs.tools_of(None), folder, homes, SEED, limit_h, forget,
                           ["none", "all:hold", "all:pay"])


def wrong_pence(sums):
    return sums["a_over_p"] + sums["a_under_p"]


def test_far_less_is_paid_wrongly(found):
    plain, paid = found["none"], found["all:pay"]
    assert 2 * wrong_pence(paid) < wrong_pence(plain)
    assert 2 * paid["wrong"] < plain["wrong"]
    assert 2 * paid["b_over_p"] < plain["b_over_p"]
    assert 2 * paid["c_under_p"] < plain["c_under_p"]
    assert 2 * paid["worked_wrong_min"] < plain["worked_wrong_min"]


def test_more_is_paid_rightly(found):
    assert found["all:pay"]["right"] > found["none"]["right"]


def test_what_a_repair_pays_is_right(found):
    sums = found["all:pay"]
    assert sums["repaired_paid"] > 100
    assert 1000 * sums["repaired_right"] >= RIGHT_PERMILLE * sums["repaired_paid"]
    assert 1000 * sums["repaired_over"] <= OVERPAID_PERMILLE * sums["repaired_paid"]


def test_holding_pays_nothing_by_a_repair(found):
    sums = found["all:hold"]
    assert sums["repaired_paid"] == 0
    assert sums["repaired_held"] > 0
    assert sums["a_over_p"] <= found["none"]["a_over_p"]


def test_the_same_seed_gives_the_same_week(tmp_path):
    taps = [week.remember(week.make(3, SEED), SEED, 0.1, 0.05) for _ in range(2)]
    assert [(t, h.number, c) for t, h, c in taps[0]] == [(t, h.number, c) for t, h, c in taps[1]]
