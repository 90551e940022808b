"""User-Mode Linux with a board of GPIO lines and an SPI bus, and commands run inside it.

    with Uml(folder, kernel_folder) as uml:
        uml.run("gpioinfo")
"""
import lzma
import os
import pathlib
import select
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
BOOT_S = 30.0
STOP_S = 20.0


class UmlError(Exception):
    """The machine inside did not do what was asked of it."""


class Uml:
    """One machine; its root is the host's, read-only, and /run/host in it is folder."""

    def __init__(self, folder: pathlib.Path, kernel: pathlib.Path, memory: str = "192M",
                 init: pathlib.Path = HERE / "init.sh", boot_limit_s: float = BOOT_S):
        self.folder = folder
        self.memory = memory
        self.init = init
        self.boot_limit_s = boot_limit_s
        self.linux = folder / "linux"
        self.linux.write_bytes(lzma.decompress((kernel / "linux.xz").read_bytes()))
        self.linux.chmod(0o755)
        self.module = kernel / "ecm_vspi.ko"
        self.console = folder / "console.log"
        self.process = None
        self.to_shell = self.from_shell = -1
        self.pending = b""
        self.boot_s = 0.0

    def __enter__(self):
        began = time.monotonic()
        guest_in, self.to_shell = os.pipe()
        self.from_shell, guest_out = os.pipe()
        with open(self.console, "wb") as console:
            self.process = subprocess.Popen(
                [self.linux, f"mem={self.memory}", "root=/dev/root", "rootfstype=hostfs",
                 "rootflags=/", "ro", f"init={self.init}", f"uml_dir={self.folder}/uml",
                 "con=null", "con0=null,fd:1", f"ssl0=fd:{guest_in},fd:{guest_out}", "quiet",
                 f"ecm_folder={self.folder}", f"ecm_module={self.module}"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT,
                pass_fds=(guest_in, guest_out), start_new_session=True,
                env={"HOME": str(self.folder), "PATH": os.environ["PATH"],
                     "TMPDIR": self._memory_folder()})
        os.close(guest_in)
        os.close(guest_out)
        self._read_answer(self.boot_limit_s)
        self.boot_s = time.monotonic() - began
        return self

    def _memory_folder(self) -> str:
        """Where the guest's memory lies: a file that must be executable."""
        shm = pathlib.Path("/dev/shm")
        may_execute = shm.is_dir() and not os.statvfs(shm).f_flag & os.ST_NOEXEC
        return str(shm if may_execute else self.folder)

    def __exit__(self, *_):
        if self.process is None:
            return
        if self.process.poll() is None and self.to_shell >= 0:
            os.close(self.to_shell)
            self.to_shell = -1
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        os.close(self.from_shell)

    def run(self, command: str, timeout: float = 20.0, check: bool = True) -> str:
        """The output of a shell command; UmlError when it fails, unless check is False."""
        assert "\n" not in command
        os.write(self.to_shell, command.encode() + b"\n")
        status, text = self._read_answer(timeout)
        if check and status != 0:
            raise UmlError(f"{command}: status {status}: {text}")
        return text

    def succeeds(self, command: str) -> bool:
        os.write(self.to_shell, command.encode() + b"\n")
        return self._read_answer(20.0)[0] == 0

    def wait_for(self, command: str, timeout: float = 20.0):
        """Until command succeeds inside."""
        end = time.monotonic() + timeout
        while not self.succeeds(command):
            if time.monotonic() > end:
                raise UmlError(f"waited {timeout} s in vain for: {command}")
            time.sleep(0.05)

    def _read_answer(self, timeout: float) -> tuple[int, str]:
        end = time.monotonic() + timeout
        while True:
            lines = self.pending.split(b"\n")
            for number, line in enumerate(lines[:-1]):
                if line.startswith(b"== "):
                    self.pending = b"\n".join(lines[number + 1:])
                    return int(line[3:]), b"\n".join(lines[:number]).decode(errors="replace")
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.from_shell], [], [], left)[0]:
                raise UmlError(f"no answer in {timeout} s; console: {self._console_end()}; "
                               f"so far: {self.pending[-500:]!r}")
            piece = os.read(self.from_shell, 65536)
            if not piece:
                raise UmlError(f"the machine ended; console: {self._console_end()}")
            self.pending += piece

    def _console_end(self) -> str:
        return self.console.read_text(errors="replace")[-1500:]
