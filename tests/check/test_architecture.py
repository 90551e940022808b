"""The layer checker finds what it is for, and docs/ARCHITECTURE.md shows its tables as they are."""
import importlib.util
import re
import shutil
import subprocess
import sys

import pytest
from repository import ROOT

CHECKER = ROOT / "tools" / "check_layers.py"


def checker_tables():
    spec = importlib.util.spec_from_file_location("check_layers", CHECKER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows_of(heading: str) -> dict[str, list[str]]:
    """The two-column table of ARCHITECTURE.md whose head begins with heading."""
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    table = text.split(f"\n| {heading} |", 1)[1].split("\n\n", 1)[0]
    return {cells[0]: cells[1:] for cells in
            (re.findall(r"`([^`]+)`", line) for line in table.splitlines()[2:])}


def test_architecture_shows_the_arrows():
    assert rows_of("folder") == checker_tables().MAY_INCLUDE


def test_architecture_shows_the_fences():
    assert rows_of("header") == checker_tables().FENCED


def test_the_arrows_make_no_circle():
    arrows = {k: set(v) for k, v in checker_tables().MAY_INCLUDE.items()}
    while arrows:
        leaves = [folder for folder, known in arrows.items() if not known & set(arrows)]
        assert leaves, f"a circle among {sorted(arrows)}"
        for leaf in leaves:
            del arrows[leaf]


def test_a_file_that_may_log_exists():
    assert [f for f in checker_tables().MAY_LOG if not (ROOT / f).exists()] == []


def check(tree) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, tree / "tools" / "check_layers.py"], text=True,
                          capture_output=True, timeout=20, check=False)


@pytest.fixture
def tree(tmp_path):
    """A small house that keeps to the rules."""
    (tmp_path / "tools").mkdir()
    shutil.copy(CHECKER, tmp_path / "tools")
    for i in range(10):
        file = tmp_path / "base" / f"part{i}.c"
        file.parent.mkdir(exist_ok=True)
        file.write_text("#include <stdio.h>\n")
    assert check(tmp_path).returncode == 0
    return tmp_path


WRONG = {
    "a lower folder that knows a higher one": ("base/x.c", '#include "gateway/outbox.h"\n'),
    "a collector that knows hardware": ("collector/ingest/x.c", '#include "hal/reader.h"\n'),
    "a pure folder that knows base": ("collector/visits/x.c", '#include "base/err.h"\n'),
    "a third-party header outside its fence": ("gateway/reader.c", "#include <sqlite3.h>\n"),
    "a banned function": ("gateway/x.c", "void f(char *a) { strcpy(a, \"b\"); }\n"),
    "a log line where errors are returned": ("hal/chip/x.c", 'void f(void) { log_warn("x"); }\n'),
    "a file that has grown too long": ("base/x.c", "int a;\n" * 601),
    "a folder nobody has heard of": ("collector/misc.h", '#include "hal/chip/pn532.h"\n'),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_checker_finds(tree, what):
    path, text = WRONG[what]
    file = tree / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    answer = check(tree)
    assert answer.returncode == 1
    assert path in answer.stdout
