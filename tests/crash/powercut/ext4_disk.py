"""A small ext4 in a file, mounted, whose power can be cut. Needs root and a loop device."""
import fcntl
import os
import pathlib
import struct
import subprocess
import time

EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
NOLOGFLUSH = 2                  # what is not on the disk, the journal's included, is gone


def run(*command):
    return subprocess.run([str(c) for c in command], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.strip()


class Ext4Disk:
    """with Ext4Disk(folder, megabytes) as disk: files below disk.path."""

    def __init__(self, folder: pathlib.Path, megabytes: int):
        self.image = folder / "disk.img"
        self.path = folder / "mounted"
        self.megabytes = megabytes
        self.loop = None

    def __enter__(self):
        with open(self.image, "wb") as image:
            image.truncate(self.megabytes << 20)
        self.path.mkdir()
        run("mkfs.ext4", "-q", "-F", "-m", "0", self.image)
        for attempt in range(10):
            try:
                self.loop = run("losetup", "--find", "--show", self.image)
                break
            except subprocess.CalledProcessError:  # another one took the free device before us
                if attempt == 9:
                    raise
                time.sleep(0.2)
        try:
            self.mount()
        except subprocess.CalledProcessError:
            run("losetup", "--detach", self.loop)
            raise
        return self

    def __exit__(self, *unused):
        self.unmount()
        run("losetup", "--detach", self.loop)

    def mount(self):
        run("mount", "-t", "ext4", self.loop, self.path)

    def unmount(self):
        for attempt in range(100):  # a killed process lets go a little later
            try:
                run("umount", self.path)
                return
            except subprocess.CalledProcessError:
                if attempt == 99:
                    raise
                time.sleep(0.05)

    def cut_power(self):
        """Nothing reaches the disk from now on, and what is only in memory never will."""
        folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        finally:
            os.close(folder)


def why_not() -> str:
    """Why this machine cannot do it; empty when it can."""
    if os.geteuid() != 0:
        return "needs root to mount a file system"
    if not os.path.exists("/dev/loop-control"):
        return "needs loop devices"
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        try:
            with Ext4Disk(pathlib.Path(folder), 16) as disk:
                disk.cut_power()
        except (OSError, subprocess.CalledProcessError) as error:
            return f"cannot mount and cut an ext4 here: {error}"
    return ""
