"""The commands a newcomer starts with behave, and count honestly."""
import subprocess
import sys

import pytest
from repository import ROOT, files

COMMANDS = ["tools/test", "tools/lint", "tools/fuzz", "tools/demo", "tools/ci/bare-machine.sh",
            "tools/pico/build", "tools/pico/parts"]
SUITE = """<testsuite>
<testcase name="a" status="run"/><testcase name="b" status="run"/>
<testcase name="c" status="fail"/>
<testcase name="d" status="notrun"><skipped message="Unable to find executable"/></testcase>
<testcase name="e" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>
<testcase name="f" status="disabled"/>
</testsuite>"""


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_explains_itself_without_doing_anything(command):
    answer = run(command, "--help")
    assert answer.returncode == 0
    assert answer.stdout.startswith("Usage: " + command)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_refuses_an_option_it_does_not_know(command):
    answer = run(command, "--no-such-option")
    assert answer.returncode == 2
    assert "--no-such-option" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_test_that_could_not_be_started_is_a_failure(tmp_path):
    report = tmp_path / "tests.xml"
    report.write_text(SUITE)
    answer = run(sys.executable, "tools/lib/junit_counts.py", str(report))
    assert answer.stdout.split() == ["2", "2", "2"]


def test_ci_runs_the_command_of_readme_and_nothing_else():
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines()
             if line and not line.startswith("#")]
    assert lines[-1] == "exec tools/test"
    assert len(lines) == 3


@pytest.mark.parametrize("release", ["12", "13"])
def test_each_release_has_its_packages_once(release):
    script = f'. tools/lib/packages.sh; ecm_wanted_packages {release} build run test lint'
    names = run("bash", "-c", script).stdout.split()
    assert "cmake" in names and "mosquitto" in names
    assert len(names) == len(set(names))
    other = {"12": "libclang-rt-19-dev", "13": "libclang-rt-14-dev"}[release]
    assert other not in names


def test_every_package_belongs_to_a_group_that_somebody_installs():
    lines = (ROOT / "tools" / "lib" / "packages.list").read_text().splitlines()
    groups = {line.split()[1] for line in lines if line and not line.startswith("#")}
    assert groups == {"build", "run", "test", "lint"}


def test_every_tool_can_be_run():
    for file in files("tools"):
        if file.read_bytes()[:2] == b"#!":
            assert file.stat().st_mode & 0o111, file
