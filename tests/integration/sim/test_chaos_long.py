"""The storm at its full size: a thousand homes, some 20,000 taps, five kills of each."""
from chaos import storm


def test_a_thousand_homes_lose_and_double_nothing(tmp_path):
    green, kills, _ = storm(tmp_path, homes=1000, visits=8, kills=5, seed=1)
    assert green > 18000
    assert kills == 10
