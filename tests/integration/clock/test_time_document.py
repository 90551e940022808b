"""docs/TIME.md shows what the clock scenes really come to.

Run as a program it writes the table anew.
"""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "TIME.md"
BEGIN = "<!-- table: tests/integration/clock/test_time_document.py -->\n"
END = "<!-- end of table -->\n"


def table() -> str:
    tool = pathlib.Path(os.environ["ECM_TEST_BIN"]) / "test_clock"
    done = subprocess.run([str(tool), "--table"], capture_output=True, text=True, timeout=60,
                          check=True)
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ") or
            line.startswith("|-")]
    assert len(rows) > 30
    return "\n".join(rows) + "\n"


def test_the_table_in_the_document_is_what_happens():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.split(BEGIN)[1].split(END)[0] == table()


if __name__ == "__main__":
    before, rest = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)
    DOCUMENT.write_text(before + BEGIN + table() + END + rest.split(END)[1], encoding="utf-8")
    sys.exit(0)
