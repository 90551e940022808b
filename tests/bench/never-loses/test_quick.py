"""The benchmark works: ours loses nothing, and the harness sees it when somebody does."""
import csv
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ["ECM_BIN"]).parent


def can_mount(folder: pathlib.Path) -> bool:
    image, point = folder / "probe.img", folder / "probe"
    point.mkdir()
    with open(image, "wb") as file:
        file.truncate(8 << 20)
    for command in (["mkfs.ext4", "-q", "-F", image], ["mount", "-o", "loop", image, point],
                    ["umount", point]):
        if subprocess.run(command, capture_output=True).returncode != 0:
            return False
    return True


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("never-loses")
    if os.geteuid() != 0 or not can_mount(folder):
        pytest.skip("needs root and loop mounts, to cut off power")
    done = subprocess.run([sys.executable, HERE / "run", "--quick", "--no-install", "--build", BUILD,
                           "--folder", folder / "run", "--output", folder],
                          capture_output=True, text=True, timeout=170)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    with open(folder / "result.tsv", encoding="utf-8") as file:
        columns, *lines = csv.reader(file, delimiter="\t")
    assert columns[3:9] == ["lost", "doubled", "cuts", "lost", "doubled", "outage lost"]
    return {line[0]: line for line in lines}


def test_ours_loses_and_doubles_nothing_in_kills_and_power_cuts(rows):
    assert [int(x) for x in rows["ours"][2:8]] == [6, 0, 0, 4, 0, 0]


def test_the_stock_bridge_is_caught_losing_what_its_queue_of_1000_cannot_hold(rows):
    assert int(rows["ours"][8]) == 0
    assert int(rows["mosquitto"][8]) == 500
