"""ecm-pay against the rules written once more (tests/reference/rules.py), on random data sets."""
import csv
import os
import pathlib
import random
import sys
import tarfile

import pytest
from compare_reference import ROOT, compare, differences, expected, pay, table

sys.path.insert(0, str(ROOT / "tests" / "reference"))
import datasets  # noqa: E402  pylint: disable=wrong-import-position
import rules  # noqa: E402  pylint: disable=wrong-import-position

DATA = pathlib.Path(os.environ["ECM_SOURCE"]) / "tests" / "data"
SEEDS = range(20)


def try_seed(seed, scratch):
    """Every period of one random data set, as of early, run 1 and run 2."""
    folder = scratch / "in"
    for period, (first, second, odd) in datasets.make(folder, seed):
        problems = compare(folder, scratch, lambda asof, p=period: rules.run(folder, p, asof),
                           period, [odd, first, second])
        assert not problems, f"seed {seed}: {problems}"
        out = scratch / "odd"
        pay("run", "--from", folder, "--period", period, "--as-of", odd, "--out", out)
        assert not differences(out, *rules.run(folder, period, odd)), f"seed {seed}"


@pytest.mark.parametrize("seed", SEEDS)
def test_every_file_of_a_random_data_set_is_what_the_rules_say(seed, tmp_path):
    print(f"seed {seed}")
    try_seed(seed, tmp_path)


def test_the_rules_as_written_once_more_give_the_published_reference():
    folder = DATA / "reference" / "tiny"
    files, totals = rules.run(folder)
    theirs, their_totals = expected(folder)
    del their_totals["sha256"]
    assert files == theirs
    assert totals == their_totals


def test_tiny_and_week_are_equal_from_files_and_from_a_store_and_adjust_from_run_1_to_run_2(tmp_path):
    with tarfile.open(DATA / "reference" / "week.tar.xz") as archive:
        archive.extractall(tmp_path)
    for folder in (DATA / "reference" / "tiny", tmp_path / "week"):
        scratch = tmp_path / "scratch" / folder.name
        scratch.mkdir(parents=True)
        assert not compare(folder, scratch, lambda _, f=folder: expected(f))


def cut(path, chance, parts):
    """Divide the rows of a file at a random row: two files of its name in two folders."""
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    at = chance.randrange(len(rows) + 1)
    for part, some in zip(parts, (rows[:at], rows[at:])):
        part.mkdir(exist_ok=True)
        with open(part / path.name, "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *some])


@pytest.mark.parametrize("seed", [3, 11, 21, 29])
def test_files_cut_in_two_and_imported_one_at_a_time_give_the_same_run(seed, tmp_path):
    chance = random.Random(seed)
    folder, store = tmp_path / "in", tmp_path / "store.db"
    (period, asofs), *_ = datasets.make(folder, seed)
    for path in folder.iterdir():
        cut(path, chance, (tmp_path / "1", tmp_path / "2"))
    for part in ("1", "2"):  # events keep their order of arrival, all else comes as it likes
        paths = sorted((tmp_path / part).iterdir())
        chance.shuffle(paths)
        for path in paths:
            pay("import", path, "--store", store)
    whole = pay("run", "--from", folder, "--period", period, "--as-of", asofs[1], "--out",
                tmp_path / "whole")
    assert pay("run", "--store", store, "--period", period, "--as-of", asofs[1], "--out",
               tmp_path / "cut") == whole
    for name in [*rules.COLUMNS, "totals.json", "lines.csv", "manifest.json"]:
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_store_of_many_periods_gives_each_as_if_it_were_alone(tmp_path):
    """Two published weeks of different councils, years apart, in one store."""
    with tarfile.open(DATA / "reference" / "week.tar.xz") as archive:
        archive.extractall(tmp_path)
    tiny, store = DATA / "reference" / "tiny", tmp_path / "store.db"
    asof = table(tiny / "period.csv")[1][0][6]
    pay("import", tiny, "--store", store)
    pay("run", "--store", store, "--period", "R1", "--as-of", asof, "--out", tmp_path / "alone")
    later = tmp_path / "later"
    later.mkdir()
    text = (tmp_path / "week" / "period.csv").read_text(encoding="utf-8")
    (later / "period.csv").write_text(text.replace("\nR1,", "\nR2,"), encoding="utf-8")
    events = (tmp_path / "week" / "events.csv").read_text(encoding="utf-8").splitlines(True)
    # Their ids are made of the same small numbers, so they are told apart.
    (later / "events.csv").write_text(
        events[0] + "".join(line.replace(",H", ",W-H", 1) for line in events[1:]), encoding="utf-8")
    pay("import", later / "period.csv", "--store", store)
    pay("import", later / "events.csv", "--store", store)
    pay("run", "--store", store, "--period", "R1", "--as-of", asof, "--out", tmp_path / "both")
    assert not differences(tmp_path / "both", *expected(tiny))
