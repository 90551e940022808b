#!/usr/bin/env python3
"""Run ecm-pay on data sets and compare every file with what it should be.

    compare_reference.py [--rules] FOLDER...

Each folder holds the files of docs/RECONCILIATION.md section 1 and run2/, the files expected of a
run as of run2_asof_utc; rows are compared as sets, totals.json as a whole. The run is made straight
from the files and from a store, which must give the same run id; run 1 + adjustments must be run 2
for the models A, B and C. With --rules run2/ is not needed: the files are compared with what
tests/reference/rules.py makes of the rules (slow, meant for small sets). Exits 1 when anything differs.
"""
import argparse
import collections
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "reference"))
import rules  # noqa: E402  pylint: disable=wrong-import-position

BIN = pathlib.Path(os.environ.get("ECM_BIN", ROOT / "build" / "release" / "bin"))
FILES = sorted(rules.COLUMNS)


def pay(*arguments):
    """Run ecm-pay, which must succeed; what it printed."""
    done = subprocess.run([BIN / "ecm-pay", *map(str, arguments)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def table(path):
    """Header and rows, the rows sorted."""
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = map(tuple, csv.reader(file))
    return header, sorted(rows)


def expected(folder):
    """What run2/ says: files and totals."""
    files = {name: table(folder / "run2" / name)[1] for name in FILES}
    return files, json.loads((folder / "run2" / "totals.json").read_text())


def differences(out, files, totals):
    """One sentence for each file in out that is not as it should be."""
    found = []
    for name in FILES:
        header, rows = table(out / name)
        if header != tuple(rules.COLUMNS[name].split(",")):
            found.append(f"{name}: columns {header}")
        if rows != files[name]:
            ours, theirs = (collections.Counter(r) for r in (rows, files[name]))
            found.append(f"{name}: {len(rows)} rows for {len(files[name])}; only ours"
                         f" {list(ours - theirs)[:2]}, missing {list(theirs - ours)[:2]}")
    ours = json.loads((out / "totals.json").read_text())
    for key in sorted(set(totals) | set(ours)):
        if ours.get(key) != totals.get(key) and (key != "sha256" or key in totals):
            found.append(f"totals.json: {key} is {ours.get(key)}, not {totals.get(key)}")
    return found


def lines(path):
    """Pence by the identity of a line."""
    return {row[:-1]: int(row[-1]) for row in table(path)[1]}


def adjusted(first, second):
    """Whether the lines of the folder first and the adjustments of second are the lines of second."""
    sums = collections.Counter(lines(first / "lines.csv"))
    for *identity, old, new, difference in table(second / "adjustments.csv")[1]:
        assert sums[tuple(identity)] == int(old) and int(old) + int(difference) == int(new) != int(old)
        sums[tuple(identity)] = int(new)
    return {k: v for k, v in sums.items() if v} == {
        k: v for k, v in lines(second / "lines.csv").items() if v}


def compare(folder, scratch, reference, period=None, asofs=None):
    """
    Run 1 and run 2 (or as of asofs) of a period of folder, from files and from the store in scratch.
    reference(asof): the files and totals to compare the last one with.
    """
    row = next(r for r in csv.DictReader(open(folder / "period.csv", encoding="utf-8", newline=""))
               if period in (None, r["period_id"]))
    asofs = asofs or [row["run1_asof_utc"], row["run2_asof_utc"]]
    store, problems, ids = scratch / "store.db", [], {}
    if not store.exists():
        pay("import", folder, "--store", store)
    for kind, source in (("files", ["--from", folder]), ("store", ["--store", store])):
        previous, outs = [], []
        for n, asof in enumerate(asofs):
            outs.append(scratch / f"{kind}-{row['start_utc']}-{n}")
            said = pay("run", *source, "--period", row["period_id"], "--as-of", asof, "--models",
                       "A,B,C", "--out", outs[-1], *previous)
            ids.setdefault(n, set()).add(said)
            previous = ["--previous", outs[-1] if kind == "files" else said.split()[1]]
        problems += [f"{kind}: {p}" for p in differences(outs[-1], *reference(asofs[-1]))]
        if not all(adjusted(a, b) for a, b in zip(outs, outs[1:])):
            problems.append(f"{kind}: run 1 and the adjustments are not run 2")
    if any(len(said) > 1 for said in ids.values()):
        problems.append("files and store give different run ids")
    return problems


def main():
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rules", action="store_true", help="compare with tests/reference/rules.py")
    parser.add_argument("folders", nargs="+", type=pathlib.Path, metavar="FOLDER")
    args = parser.parse_args()
    failed = 0
    for folder in args.folders:
        def reference(_, folder=folder):
            return rules.run(folder) if args.rules else expected(folder)
        with tempfile.TemporaryDirectory() as scratch:
            problems = compare(folder, pathlib.Path(scratch), reference)
        print(f"{folder.name}: {'every file equal' if not problems else 'DIFFERS'}")
        for problem in problems:
            print(f"  {problem}")
        failed += bool(problems)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
