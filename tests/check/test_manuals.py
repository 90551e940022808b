"""Each program says the same in --help and in its man page, and keeps to the common manners."""
import os
import pathlib
import re
import subprocess

import pytest
from repository import ROOT

BIN = pathlib.Path(os.environ["ECM_BIN"])
PROGRAMS = ["ecm-gateway", "ecm-collector", "ecm-pay", "ecm-field", "ecm-sim"]
# An option in mdoc is "Fl x", "Fl xyz" (three of them), "Fl -long" or "Fl Fl long"; in --help it
# stands at the start of a word.
MAN_OPTION = re.compile(r"\bFl ((?:Fl )?-?[A-Za-z?][\w-]*)")
HELP_OPTION = re.compile(r"(?<![\w-])(--?[A-Za-z?][\w-]*)")


def run(program: str, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([BIN / program, *arguments], capture_output=True, text=True, timeout=20,
                          stdin=subprocess.DEVNULL, check=False)


def man_page(program: str) -> str:
    pages = sorted((ROOT / "docs" / "man").glob(f"{program}.[18]"))
    assert len(pages) == 1, f"one man page of {program} in docs/man, please"
    return pages[0].read_text()


# argp has these by itself; a man page may leave them out.
USUAL = {"-?", "-V", "--usage"}


def options_of_help(program: str) -> set[str]:
    return set(HELP_OPTION.findall(run(program, "--help").stdout)) - USUAL


def options_of_man(program: str) -> set[str]:
    options = set()
    for option in MAN_OPTION.findall(man_page(program)):
        if option.startswith(("-", "Fl ")):
            options.add("--" + option.removeprefix("Fl ").lstrip("-"))
        else:
            options |= {"-" + letter for letter in option}
    return options - USUAL


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_mentions_every_option_of_the_man_page(program):
    assert sorted(options_of_man(program) - options_of_help(program)) == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_man_page_mentions_every_option_of_help(program):
    assert sorted(options_of_help(program) - options_of_man(program)) == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_and_version_are_answered_on_standard_output(program):
    for option in ("--help", "--version"):
        answer = run(program, option)
        assert answer.returncode == 0, option
        assert answer.stdout.strip(), option
        assert answer.stderr == "", option


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_option_nobody_knows_is_bad_usage(program):
    answer = run(program, "--no-such-option")
    assert answer.returncode == 2
    assert "no-such-option" in answer.stderr
