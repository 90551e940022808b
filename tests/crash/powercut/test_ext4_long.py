"""The same as test_ext4.py, 160 cuts."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from ext4_cut import cut_often  # noqa: E402
from ext4_disk import why_not  # noqa: E402

REASON = why_not()
pytestmark = pytest.mark.skipif(bool(REASON), reason=f"NOT RUN: {REASON}")


@pytest.mark.parametrize("kind, seed", [("outbox", 2), ("outbox", 3), ("store", 4), ("store", 5)])
def test_what_was_confirmed_survives_a_cut(tmp_path, kind, seed):
    cut_often(tmp_path, kind, cuts=40, seed=seed)
