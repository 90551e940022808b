"""Real loss of power and a really full disk under the outbox and the store, on a loop-mounted ext4."""
import pathlib
import random
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from ext4_cut import WRITER, check, cut_often, write_and_cut  # noqa: E402
from ext4_disk import Ext4Disk, why_not  # noqa: E402

REASON = why_not()
pytestmark = pytest.mark.skipif(bool(REASON), reason=f"NOT RUN: {REASON}")


@pytest.mark.parametrize("kind", ["outbox", "store"])
def test_what_was_confirmed_survives_a_cut(tmp_path, kind):
    cut_often(tmp_path, kind, cuts=6, seed=1)


def test_what_was_never_synced_does_not_survive(tmp_path):
    """The control: if this loses nothing, the cuts above are no cuts."""
    with Ext4Disk(tmp_path, 64) as disk:
        last = write_and_cut(disk, "control", tmp_path / "confirmed.log", random.Random(1))
        assert check(disk, "control")[0] < last


def fill(folder: pathlib.Path, kind: str, megabytes: int) -> str:
    with Ext4Disk(folder, megabytes) as disk:
        result = subprocess.run([WRITER, f"full-{kind}", disk.path / kind, disk.path / "filler"],
                                text=True, capture_output=True, check=False)
        assert result.returncode == 0, f"{result.returncode}: {result.stdout}{result.stderr}"
        assert check(disk, kind)
    return result.stdout


def test_a_full_disk_is_told_and_the_outbox_goes_on_when_there_is_space(tmp_path):
    print(fill(tmp_path, "outbox", 16))


@pytest.mark.parametrize("number", range(4))
def test_a_full_disk_neither_kills_nor_damages_the_store(tmp_path, number):
    print(fill(tmp_path, "store", 32))
