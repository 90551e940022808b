"""Every column of every file with what it must not hold: one line says where, nothing is changed."""
import csv
import io
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess

import pytest

PAY = pathlib.Path(os.environ["ECM_BIN"]) / "ecm-pay"
TINY = pathlib.Path(os.environ["ECM_SOURCE"]) / "tests" / "data" / "reference" / "tiny"
FOR_EVER = str(1 << 40)

ID = ["", "a\x07b", "a\nb", "x" * 129]
ID_OPTIONAL = ID[1:]
INSTANT = ["", "-1", "1.5", "1e3", " 1603087470", "+1", "0x10", "٣", "9" * 19, str((1 << 40) + 1)]
DAY = ["", "2020-02-30", "2020-13-01", "20201019", "1969-12-31", "2020-10-19 ", "19/10/2020", "0000-00-00"]
COLUMNS = {
    "period": {"period_id": ID, "start_date": DAY + ["2020-10-20"], "end_date": DAY + ["2020-10-19"],
               "start_utc": INSTANT + ["1603162000"], "end_utc": INSTANT + ["1603062000"],
               "run1_asof_utc": INSTANT, "run2_asof_utc": INSTANT},
    "providers": {"provider_id": ID, "zone": ID_OPTIONAL, "lot": ID_OPTIONAL, "tier": ID_OPTIONAL,
                  "contract_minutes": ["", "-1", "1.0", "100000001", "all"]},
    "rates": {"provider_id": ID + ["P77"], "funder": ID, "valid_from": DAY + ["2022-01-01"],
              "valid_to": DAY + ["2019-01-01"], "pence_per_hour": ["", "-1", "15.29", "10000001", "£15"]},
    "people": {"person_id": ID, "funder": ID + ["XX"], "zone": ID_OPTIONAL, "provider_id": ID + ["P77"],
               "double_handed": ["", "2", "yes", "-1"]},
    "carers": {"carer_id": ID + ["a|b"], "provider_id": ID + ["P77"]},
    "cards": {"card_uid": ID, "carer_id": ID + ["C77"], "valid_from_utc": INSTANT + [FOR_EVER],
              "valid_to_utc": INSTANT + ["0"]},
    "devices": {"device_id": ID, "person_id": ID + ["S77"], "valid_from_utc": INSTANT + [FOR_EVER],
                "valid_to_utc": INSTANT + ["0"]},
    "planned": {"visit_id": ID, "person_id": ID + ["S77"], "provider_id": ID + ["P77"],
                "planned_start_utc": INSTANT + [FOR_EVER], "planned_end_utc": INSTANT + ["1"],
                "carers_required": ["", "0", "10", "-1", "two"],
                "roster_carers": ["|P1-C001", "P1-C001|", "P1-C001||P1-C002", "C77", "P1-C001|C77",
                                  "x" * 2049],
                "cancel_utc": INSTANT[1:]},
    "events": {"recv_utc": INSTANT, "event_id": ID, "device_id": ID, "card_uid": ID,
               "kind": ["", "i", "IN", "X"], "ts_utc": INSTANT},
    "amendments": {"amend_id": ID, "created_utc": INSTANT, "action": ["", "EDIT", "add"],
                   "person_id": ID + ["S77"], "carer_id": ID + ["C77"], "kind": ["", "X"],
                   "ts_utc": INSTANT, "event_id": ID_OPTIONAL, "reason_code": ID_OPTIONAL},
    "home_tags": {"tag_uid": ID, "person_id": ID + ["S77"], "valid_from_utc": INSTANT + [FOR_EVER],
                  "valid_to_utc": INSTANT + ["0"]},
    "carried_readers": {"device_id": ID, "carer_id": ID + ["C77"], "valid_from_utc": INSTANT + [FOR_EVER],
                        "valid_to_utc": INSTANT + ["0"]},
}
# What a bad value of one column makes wrong with another: the one that is named then.
NAMED_INSTEAD = {
    ("period", "start_date", "2020-10-20"): "start_date",
    ("rates", "valid_from", "2022-01-01"): "valid_to", ("cards", "valid_from_utc", FOR_EVER): "valid_to_utc",
    ("devices", "valid_from_utc", FOR_EVER): "valid_to_utc",
    ("home_tags", "valid_from_utc", FOR_EVER): "valid_to_utc",
    ("carried_readers", "valid_from_utc", FOR_EVER): "valid_to_utc",
    ("planned", "planned_start_utc", FOR_EVER): "planned_end_utc",
}
CASES = [(file, column, value) for file, columns in COLUMNS.items()
         for column, values in columns.items() for value in values]


def dump(store):
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
        return "\n".join(db.iterdump())


@pytest.fixture(scope="module", name="good")
def good_folder(tmp_path_factory):
    """Tiny with the two optional files too, and a store that holds it."""
    folder = tmp_path_factory.mktemp("good")
    for path in TINY.glob("*.csv"):
        shutil.copy(path, folder)
    (folder / "home_tags.csv").write_text(
        f"tag_uid,person_id,valid_from_utc,valid_to_utc\nT1,S00001,0,{FOR_EVER}\n", encoding="utf-8")
    (folder / "carried_readers.csv").write_text(
        f"device_id,carer_id,valid_from_utc,valid_to_utc\nD1,P1-C001,0,{FOR_EVER}\n", encoding="utf-8")
    store = folder / "store.db"
    subprocess.run([PAY, "import", folder, "--store", store], check=True, capture_output=True)
    return folder, store, dump(store)


def refused(good, name, content, tmp_path):
    """Import good with one file replaced by content; what the one line says."""
    folder, store, before = good
    bad = tmp_path / "bad"
    bad.mkdir()
    for path in folder.glob("*.csv"):
        (bad / path.name).symlink_to(path)
    (bad / f"{name}.csv").unlink()
    (bad / f"{name}.csv").write_bytes(content)
    done = subprocess.run([PAY, "import", bad, "--store", store], capture_output=True, check=False)
    said = done.stderr.decode()
    assert done.returncode == 2, (done.returncode, said)
    assert said.count("\n") == 1 and done.stdout == b"", said
    assert dump(store) == before
    shutil.rmtree(bad)
    return said.rstrip("\n")


def table(folder, name):
    with open(folder / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def text(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


@pytest.mark.parametrize("file,column", [(f, c) for f, columns in COLUMNS.items() for c in columns])
def test_bad_value_is_named_with_file_line_and_column(good, file, column, tmp_path):
    for value in COLUMNS[file][column]:
        rows = table(good[0], file)
        at = rows[0].index(column)
        rows[1][at] = value
        named = NAMED_INSTEAD.get((file, column, value), column)
        said = refused(good, file, text(rows), tmp_path)
        assert re.match(rf"ecm-pay: {file}\.csv:2: {named}: \S", said), (value[:20], said)
        assert len(said) < 300


KEYS = {"period": "period_id", "providers": "provider_id", "people": "person_id", "carers": "carer_id",
        "planned": "visit_id", "amendments": "amend_id"}
STRETCHES = {"rates": "valid_from", "cards": "valid_from_utc", "devices": "valid_from_utc",
             "home_tags": "valid_from_utc", "carried_readers": "valid_from_utc"}


@pytest.mark.parametrize("file", [*KEYS, *STRETCHES])
def test_row_that_is_there_twice_is_refused(good, file, tmp_path):
    rows = table(good[0], file)
    said = refused(good, file, text([*rows, rows[1]]), tmp_path)
    column = KEYS.get(file) or STRETCHES[file]
    reason = "is already on line 2" if file in KEYS else "overlaps line 2"
    assert re.match(rf"ecm-pay: {file}\.csv:{len(rows) + 1}: {column}: .*{reason}$", said), said


def test_gap_and_overlap_of_rates_are_refused(good, tmp_path):
    rows = table(good[0], "rates")
    for first, reason in (("2021-05-02", "leaves a gap after line 2"), ("2021-04-30", "overlaps line 2")):
        later = [*rows[1][:2], first, "2022-05-01", rows[1][4]]
        said = refused(good, "rates", text([*rows, later]), tmp_path)
        assert said.startswith(f"ecm-pay: rates.csv:{len(rows) + 1}: valid_from: ") and reason in said


@pytest.mark.parametrize("file", COLUMNS)
def test_file_that_is_no_table_of_this_kind_is_refused(good, file, tmp_path):
    content = (good[0] / f"{file}.csv").read_bytes()
    header, first = content.split(b"\n")[:2]
    columns = header.decode().split(",")
    for bad, said_of in [
            (b"", ":1: there is no header row"),
            (header.decode().encode("utf-16") + b"\n\x00", ":1: "),
            (content.replace(b"\n", b"\n\xff\xfe", 1), ":2: "),
            (header + b"\n" + first.replace(b",", b"\x00,", 1) + b"\n", ":2: "),
            (header + b"\n" + "Zo\u00eb".encode("latin-1") + b"," + first + b"\n", ":2: "),
            (header + b"," + columns[0].encode() + b"\n", f":1: {columns[0]}: "),
            (header + b",colour\n", ":1: colour: unknown column"),
            (header.rsplit(b",", 1)[0] + b"\n", f":1: {columns[-1]}: this column is missing"),
            (header + b"\n" + first + b",1\n", ":2: too many fields"),
            (header + b"\n" + first.rsplit(b",", 1)[0] + b"\n", ":2: too few fields"),
            (header + b"\n" + first + b"\n" + first[:len(first) // 3].split(b",")[0], ":3: too few fields"),
            (header + b'\n"' + first + b"\n", ":2: "),
            (header + b"\n" + first.replace(b",", b"\r,", 1) + b"\n", ":2: "),
            (header + b"\n" + b"x" * 70000 + first + b"\n", ":2: "),
    ]:
        said = refused(good, file, bad, tmp_path)
        assert said.startswith(f"ecm-pay: {file}.csv{said_of}"), (bad[:60], said)


@pytest.mark.parametrize("file", COLUMNS)
def test_a_mark_in_front_crlf_quotes_and_a_missing_last_line_feed_are_no_faults(good, file, tmp_path):
    rows = table(good[0], file)
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows(rows)
    bad = tmp_path / "in"
    shutil.copytree(good[0], bad, ignore=lambda *_: ["store.db", "store.db.lock"])
    (bad / f"{file}.csv").write_bytes(b"\xef\xbb\xbf" + out.getvalue().encode().rstrip())
    done = subprocess.run([PAY, "import", bad, "--store", good[1]], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0 rows added, 0 changed"), done.stdout
    assert dump(good[1]) == good[2]
