"""Disks whose power can be cut, and processes that can be killed."""
import contextlib
import ctypes
import fcntl
import os
import pathlib
import re
import shlex
import signal
import socket
import struct
import subprocess
import time

EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
GOING_FLAGS_NOLOGFLUSH = 2
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


class Trouble(Exception):
    """The benchmark cannot go on; the text says why."""


def wait_for(what, seconds, name):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise Trouble(f"waited {seconds} s in vain for {name}")
        time.sleep(0.005)


@contextlib.contextmanager
def held(command):
    """While command runs: it is given a program to run, which ends when we are done."""
    if not command:
        yield
        return
    holder = subprocess.Popen([*shlex.split(command), "sh", "-c", "echo held; read line"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if holder.stdout.readline() != "held\n":
            raise Trouble(f"'{command}' did not run what it was given")
        yield
    finally:
        holder.stdin.close()
        holder.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Disk:
    """An ext4 of its own in an image file, mounted over a loop device."""

    def __init__(self, folder, name, mib=192):
        self.image = folder / f"{name}.img"
        self.path = folder / name
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.image, "wb") as image:
            image.truncate(mib << 20)
        self._do("mkfs.ext4", "-q", "-F", self.image)
        self.mount()

    @staticmethod
    def _do(*command):
        done = subprocess.run([str(x) for x in command], capture_output=True, text=True)
        if done.returncode != 0:
            raise Trouble(f"{command[0]}: {done.stderr.strip()}")

    def mount(self):
        self._do("mount", "-o", "loop", self.image, self.path)

    def shut_down(self):
        """Whatever the kernel has not written is gone. Its writers must stand still already."""
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", GOING_FLAGS_NOLOGFLUSH))
        finally:
            os.close(fd)

    def unmount(self):
        for _ in range(200):
            if subprocess.run(["umount", self.path], capture_output=True).returncode == 0:
                return
            time.sleep(0.02)
        raise Trouble(f"cannot unmount {self.path}")

    def remove(self):
        if os.path.ismount(self.path):
            self.unmount()
        self.image.unlink(missing_ok=True)


def _die_with_us():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A command that can be killed and started again; remembers the most memory it ever had:
    resident, and of that private and written to, which is what it alone takes from others."""

    def __init__(self, name, command, log, is_up, disk=None, env=None):
        self.name, self.command, self.log, self.is_up = name, command, log, is_up
        self.disk, self.env = disk, env
        self.peak_kb = self.dirty_kb = 0
        self.popen = None

    def start(self):
        command = self.command() if callable(self.command) else self.command
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen([str(x) for x in command], stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log, env=self.env,
                                          preexec_fn=_die_with_us)

    def wait_up(self):
        def is_up():
            if self.popen.poll() is not None:
                raise Trouble(f"{self.name} ended by itself with {self.popen.returncode}: "
                              + tail_of(self.log))
            return self.is_up()
        wait_for(is_up, 60, f"{self.name} to start")

    def note_memory(self):
        if self.popen is None or self.popen.poll() is not None:
            return
        try:
            folder = pathlib.Path(f"/proc/{self.popen.pid}")
            status = (folder / "status").read_text()
            rollup = (folder / "smaps_rollup").read_text()
        except OSError:
            return
        found = re.search(r"VmHWM:\s+(\d+)", status)
        dirty = re.search(r"Private_Dirty:\s+(\d+)", rollup)
        if found and dirty:
            self.peak_kb = max(self.peak_kb, int(found.group(1)))
            self.dirty_kb = max(self.dirty_kb, int(dirty.group(1)))

    def written(self):
        """write_bytes of proc(5): pages it dirtied, in bytes."""
        text = pathlib.Path(f"/proc/{self.popen.pid}/io").read_text()
        return int(re.search(r"^write_bytes: (\d+)", text, re.M).group(1))

    def stop_still(self):
        """SIGSTOP, and no thread of it is inside the kernel any more."""
        self.popen.send_signal(signal.SIGSTOP)
        tasks = pathlib.Path(f"/proc/{self.popen.pid}/task")

        def is_still():
            states = []
            for task in list(tasks.iterdir()):
                try:
                    states.append((task / "stat").read_text().rsplit(")", 1)[1].split()[0])
                except OSError:
                    return False
            return all(state in "TZ" for state in states)
        wait_for(is_still, 30, f"{self.name} to stand still")

    def kill(self):
        self.note_memory()
        self.end(signal.SIGKILL)

    def end(self, how=signal.SIGTERM):
        if self.popen is None:
            return
        self.note_memory()
        if self.popen.poll() is None:
            self.popen.send_signal(how)
            try:
                self.popen.wait(20)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        self.popen = None


def tail_of(log):
    lines = pathlib.Path(log).read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
