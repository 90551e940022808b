"""Cut the power under a writer again and again. Used by test_ext4.py and test_ext4_long.py."""
import os
import pathlib
import random
import signal
import subprocess
import time

from ext4_disk import Ext4Disk

WRITER = pathlib.Path(os.environ.get("ECM_TEST_BIN", ".")) / "cut_writer"


def wait_for(condition, what: str, seconds: float = 30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.002)


def is_stopped(pid: int) -> bool:
    """Whether every thread is: a sync under way must end first."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] == "T"


def write_and_cut(disk: Ext4Disk, kind: str, log: pathlib.Path, chance: random.Random) -> int:
    """The last number that was confirmed before the cut."""
    pause_us = chance.choice([0, 0, 2000, 20000])
    with open(log, "wb") as out:
        writer = subprocess.Popen([WRITER, kind, disk.path / kind, str(pause_us)],
                                  stdout=out, stderr=subprocess.PIPE)
        try:
            wait_for(lambda: log.stat().st_size > 0 or writer.poll() is not None, "the first line")
            time.sleep(chance.uniform(0, 0.3))  # any moment will do
            assert writer.poll() is None, writer.stderr.read().decode()
            os.kill(writer.pid, signal.SIGSTOP)
            wait_for(lambda: is_stopped(writer.pid), "the writer stops")
            disk.cut_power()
        finally:
            writer.kill()
            writer.wait()
    disk.unmount()
    disk.mount()
    return int(log.read_text().split("\n")[-2])


def check(disk: Ext4Disk, kind: str) -> list[int]:
    result = subprocess.run([WRITER, f"check-{kind}", disk.path / kind],
                            text=True, capture_output=True, check=False)
    assert result.returncode == 0, f"{result.stdout}{result.stderr}"
    return [int(word) for word in result.stdout.split()]


def cut_often(folder: pathlib.Path, kind: str, cuts: int, seed: int):
    """cuts cuts under a writer of kind (outbox or store); after each what was confirmed is there."""
    chance = random.Random(seed)
    started = time.monotonic()
    confirmed = epoch = 0
    with Ext4Disk(folder, 64) as disk:
        for number in range(1, cuts + 1):
            last = write_and_cut(disk, kind, folder / "confirmed.log", chance)
            found = check(disk, kind)
            where = f"seed {seed}, cut {number}"
            assert last > confirmed, where
            if kind == "outbox":
                _, _, head, acked, was_set_aside = found
                assert not was_set_aside, where
                assert epoch in (0, found[0]), f"{where}: another epoch"
                epoch = found[0]
                assert acked <= head, where
            else:
                head = found[0]
            assert head >= last, f"{where}: {last} was confirmed, {head} is there"
            assert head <= last + (1 if kind == "outbox" else 5), f"{where}: nobody wrote {head}"
            confirmed = head
    print(f"powercut: ext4, {kind}: {cuts} cuts, {confirmed} records, 0 losses, 0 duplicates, "
          f"{time.monotonic() - started:.0f} s (seed {seed})")
