"""Statements and service-delivery files, as a provider and a council get them."""
import collections
import csv
import html.parser
import os
import pathlib
import re
import subprocess

import pytest

BIN = pathlib.Path(os.environ["ECM_BIN"])
SOURCE = pathlib.Path(os.environ["ECM_SOURCE"])
TINY = SOURCE / "tests" / "data" / "reference" / "tiny"
TEMPLATE = SOURCE / "docs" / "examples" / "service-delivery.template"
NAMED = """FileReference Description Created ProviderRef ContractNumber ServiceUserRef
ServiceUserDetails WeekEnding OurRef ServiceUserContribution PaymentClaimed ServiceType VisitDate
StartTimeClaimed DurationClaimed ActualStartTime ActualDuration SecondaryVisit
NumberOfCarers""".split()


def call(*arguments, status=0):
    done = subprocess.run([BIN / "ecm-pay", *map(str, arguments)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout + (done.stderr if status else "")


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(name="store")
def tiny_store(tmp_path):
    path = tmp_path / "pay.db"
    call("import", TINY, "--store", path)
    return path


def run(store, out, *more, status=0):
    asof = table(TINY / "period.csv")[0]["run2_asof_utc"]
    return call("run", "--store", store, "--as-of", asof, "--out", out, *more, status=status)


class Page(html.parser.HTMLParser):
    """The tables of a page; tags must nest."""

    EMPTY = {"meta", "br"}

    def __init__(self):
        super().__init__()
        self.open, self.tables, self.names = [], [], set()

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        if tag not in self.EMPTY:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data


def pence(pounds):
    whole, rest = pounds.split(".")
    return int(whole) * 100 + int(rest)


def test_delivery_rows_have_the_24_columns_and_add_up_to_each_pay_line(store, tmp_path):
    run(store, tmp_path / "out", "--delivery", TEMPLATE)
    paid = collections.Counter()
    for provider in (p["provider_id"] for p in table(TINY / "providers.csv")):
        file = tmp_path / "out" / f"delivery_{provider}.csv"
        assert file.read_bytes().count(b"\n") == file.read_bytes().count(b"\r\n")
        rows = table(file)
        header = file.read_text().splitlines()[0].split(",")
        assert header[:19] == NAMED and len(header) == 24
        for row in rows:
            assert row["ProviderRef"] == provider
            paid[provider, row["Funder"], row["ServiceUserRef"], row["WeekEnding"],
                 pence(row["HourlyRate"])] += pence(row["PaymentClaimed"])
            assert row["SecondaryVisit"] == ("N" if row["OurRef"].endswith("-1") else "Y")
    lines = {(r["provider_id"], r["funder"], r["person_id"], "2020-10-25",
              int(r["pence_per_hour"])): int(r["pence"]) for r in table(tmp_path / "out/payA.csv")}
    assert paid == lines and sum(paid.values()) == 562034


def test_a_file_reference_is_never_used_twice(store, tmp_path):
    seen = []
    for name in ("a", "b"):
        run(store, tmp_path / name, "--delivery", TEMPLATE)
        for file in sorted((tmp_path / name).glob("delivery_*.csv")):
            references = {r["FileReference"] for r in table(file)}
            assert len(references) <= 1
            seen += references
    assert len(seen) == len(set(seen)) > 9


def test_a_bad_template_is_refused_before_anything_is_paid(store, tmp_path):
    template = tmp_path / "bad.template"
    template.write_text("A = {person}\nB = {colour}\nno column\nA = twice\n")
    said = run(store, tmp_path / "out", "--delivery", template, status=2)
    assert f"{template}:2: there is no such field; permitted: {{file_reference}} " in said
    assert f"{template}:3: is no column; permitted: Name = text with {{fields}}" in said
    assert f"{template}:4: a column without a name of its own" in said
    assert not (tmp_path / "out").exists()


def test_template_text_is_quoted_as_csv_needs_it(store, tmp_path):
    template = tmp_path / "x.template"
    template.write_text('Say, "this" = a "{provider}", {funder}\n')
    run(store, tmp_path / "out", "--delivery", template)
    rows = table(tmp_path / "out" / "delivery_P3.csv")
    assert {row['Say, "this"'] for row in rows} == {'a "P3", LA', 'a "P3", CCG'}


def test_statements_say_what_the_run_pays_in_both_forms(store, tmp_path):
    run(store, tmp_path, "--statements")
    lines = table(tmp_path / "payA.csv")
    identity = {r["provider_id"]: r for r in table(tmp_path / "identity.csv") if r["model"] == "A"}
    for provider in identity:
        page = Page()
        text = (tmp_path / f"statement_{provider}.html").read_text()
        page.feed(text)
        assert page.open == [] and "script" not in page.names and "http" not in text
        mine = [r for r in lines if r["provider_id"] == provider]
        rows = page.tables[0]
        assert rows[0] == ["Person", "Funder", "Week", "Hours", "Rate £/h", "Pay £"]
        assert [pence(r[5]) for r in rows[1:-1]] == [int(r["pence"]) for r in mine]
        assert pence(rows[-1][5]) == sum(int(r["pence"]) for r in mine)
        time = {name: hours for name, hours in page.tables[1][1:]}
        hours = time["Paid"].split(":")
        assert int(hours[0]) * 3600 + int(hours[1]) * 60 + int(hours[2]) == \
            int(identity[provider]["paid_s"])
        plain = (tmp_path / f"statement_{provider}.txt").read_text()
        for row in rows[1:] + page.tables[1][1:]:
            assert re.search(r"\s+".join(map(re.escape, filter(None, row))), plain), row


def test_statements_name_every_visit_that_waits_or_was_missed(store, tmp_path):
    run(store, tmp_path, "--statements")
    waiting = {(r["provider_id"], r["visit_id"]) for r in table(tmp_path / "slots.csv")
               if r["status"] in ("HELD_NO_OUT", "HELD_NO_IN", "MISSED", "SAME_CARER")}
    found = set()
    for file in tmp_path.glob("statement_*.html"):
        page = Page()
        page.feed(file.read_text())
        found |= {(file.stem.split("_")[1], row[0]) for row in (page.tables[2:] or [[]])[0][1:]}
    assert found == waiting and waiting


def test_markup_in_an_id_stays_text_and_a_slash_stays_in_the_folder(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for file in TINY.glob("*.csv"):
        text = file.read_text()
        text = re.sub(r"(?m)(^|,)P3(?=,|$)", r"\1<P/3>&", text)
        (folder / file.name).write_text(text)
    asof = table(TINY / "period.csv")[0]["run2_asof_utc"]
    call("run", "--from", folder, "--as-of", asof, "--out", tmp_path / "out", "--statements")
    page = (tmp_path / "out" / "statement_%3CP%2F3%3E%26.html").read_text()
    assert "<h1>Payment statement: &lt;P/3&gt;&amp;</h1>" in page
