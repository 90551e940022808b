#!/usr/bin/env python3
"""mutate.py - do the tests notice when a rule is broken?

For every fault of faults.py: put it into a copy of the sources, build the unit tests of visits, pay
and import and ecm-pay, run them and the reference and edge data, and say who noticed.
Exit 1 when a fault survives, its text is no longer there exactly once, or it does not build.
"""
import argparse
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from faults import FAULTS

ROOT = pathlib.Path(__file__).resolve().parents[2]
AREAS = ["visits", "pay", "import"]
# What is asked when no unit test noticed: file, and which of its tests.
DATA_TESTS = [("test_pay.py", "tiny or week or edge_case"), ("test_explain.py", "line or json or envelope"),
              ("test_reference.py", "random_data_set")]
BUILD_S = 600
TEST_S = 120  # a test that takes longer hangs, and somebody would notice
DATA_S = 900


def unit_tests():
    """The unit tests of AREAS that need no more than their own layer."""
    names = []
    for area in AREAS:
        text = (ROOT / "tests" / "unit" / area / "CMakeLists.txt").read_text(encoding="utf-8")
        names += re.findall(r"ecm_unit_test\((\w+) [^)]*DEPENDS [^)]*ecm_(?:visits|pay|import)\)",
                            text)
    return names


def gently(*command, seconds, cwd=None, env=None):
    """Run at the lowest priority. (Whether it succeeded, what it said.)"""
    try:
        done = subprocess.run(["nice", "-n", "19", *map(str, command)], cwd=cwd, env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return False, "took too long"
    return done.returncode == 0, done.stdout


class Bench:
    """A copy of the sources with a build folder of its own."""

    def __init__(self, folder):
        self.source = folder / "source"
        self.build = folder / "build"
        self.tests = unit_tests()
        shutil.copytree(ROOT, self.source, symlinks=True,
                        ignore=shutil.ignore_patterns(".git", "build", "__pycache__"))

    def configure(self):
        # Warnings of a fault (a variable unused) are not what is to find it.
        return gently("cmake", "-S", self.source, "-B", self.build, "-G", "Ninja",
                      "-DCMAKE_BUILD_TYPE=Debug", "-DECM_SANITIZE=OFF", "-DECM_WERROR=OFF",
                      seconds=BUILD_S)

    def compile(self):
        return gently("ninja", "-C", self.build, "-j2", "ecm-pay", *self.tests, seconds=BUILD_S)

    def who_notices(self):
        """The names of the tests that fail; the data are asked only when no unit test noticed."""
        failed = [test for test in self.tests
                  if not gently(self.build / "tests" / "bin" / test, seconds=TEST_S)[0]]
        if failed:
            return failed
        env = dict(os.environ, ECM_BIN=str(self.build / "bin"), ECM_SOURCE=str(self.source),
                   ECM_TEST_BIN=str(self.build / "tests" / "bin"), PYTHONDONTWRITEBYTECODE="1")
        for file, which in DATA_TESTS:
            passed, _ = gently(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
                               f"--basetemp={self.build.parent / 'data'}", "-k", which,
                               self.source / "tests" / "integration" / "pay" / file,
                               cwd=self.build, env=env, seconds=DATA_S)
            if not passed:
                return [file]
        return []

    def try_fault(self, fault):
        """(Whether it was caught, who caught it or why not.)"""
        name, text, instead, _ = fault
        path = self.source / "collector" / name
        original = path.read_text(encoding="utf-8")
        if original.count(text) != 1:
            return False, f"TEXT FOUND {original.count(text)} TIMES"
        path.write_text(original.replace(text, instead), encoding="utf-8")
        try:
            built, _ = self.compile()
            if not built:
                return False, "DOES NOT BUILD"
            failed = self.who_notices()
        finally:
            path.write_text(original, encoding="utf-8")
        return bool(failed), ", ".join(failed) if failed else "SURVIVED"


def check(folder, only):
    bench = Bench(folder)
    for step in bench.configure, bench.compile:
        succeeded, said = step()
        if not succeeded:
            print(said, file=sys.stderr)
            return 1
    failed = bench.who_notices()
    if failed:
        print(f"fails without any fault: {', '.join(failed)}", file=sys.stderr)
        return 1
    faults = [fault for fault in FAULTS if only in f"{fault[0]} {fault[3]}"]
    caught = 0
    for fault in faults:
        started = time.monotonic()
        is_caught, said = bench.try_fault(fault)
        caught += is_caught
        print(f"{'caught' if is_caught else 'NOT'}\t{fault[0]}\t{fault[3]}\t{said}\t"
              f"{time.monotonic() - started:.0f} s", flush=True)
    print(f"{caught} of {len(faults)} faults caught")
    return 0 if faults and caught == len(faults) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--only", default="", metavar="TEXT",
                        help="only faults whose file or rule contains TEXT")
    only = parser.parse_args().only
    if importlib.util.find_spec("pytest") is None:
        parser.error(f"{sys.executable} has no pytest; Debian's /usr/bin/python3 with python3-pytest has")
    with tempfile.TemporaryDirectory(prefix="ecm-mutation-") as folder:
        return check(pathlib.Path(folder), only)


if __name__ == "__main__":
    sys.exit(main())
