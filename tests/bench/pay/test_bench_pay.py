"""The benchmark at the size of a test: every way comes to the same pence, SQL on sqlite3 too."""
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ["ECM_BIN"]).parent


def test_every_way_through_a_month_comes_to_the_same_pence(tmp_path):
    result = subprocess.run(
        [sys.executable, HERE / "bench_pay.py", BUILD, "--weeks", "4", "--people", "80", "--repeat",
         "1", "--peers", "sqlite3", "--json", tmp_path / "found.json"],
        capture_output=True, text=True, timeout=250)
    assert result.returncode == 0, result.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    measured = {row["name"] for row in found["rows"] if "not_measured" not in row}
    assert {"run", "import", "store", "week", "live"} <= measured
    assert found["pence"]["files"] == found["pence"]["store"]
    assert found["pence"]["files"]["B"] > 0
    assert found["pence"]["sqlite3"]["B"] == found["pence"]["files"]["B"]
