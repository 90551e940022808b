"""A gateway that was alone for 30 days: 20,000 taps; offline.py has the million."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import offline  # noqa: E402

TAPS = 20_000


def test_a_backlog_drains_in_order_once_and_in_sight(tmp_path):
    month, states, numbers, through = offline.run(tmp_path, TAPS)
    offline.verify(month, states, numbers, through, TAPS)
