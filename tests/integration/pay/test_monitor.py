"""ecm-pay monitor from the outside: its sums against the reference, its options, its refusals."""
import csv
import io
import json
import os
import pathlib
import subprocess
import tarfile

import pytest

PAY = pathlib.Path(os.environ["ECM_BIN"]) / "ecm-pay"
DATA = pathlib.Path(os.environ["ECM_SOURCE"]) / "tests" / "data"


def execute(*arguments):
    return subprocess.run([PAY, *map(str, arguments)], capture_output=True, text=True, check=False)


def monitor(folder, *more):
    """The numbers as JSON; it must succeed."""
    with open(folder / "period.csv", encoding="utf-8", newline="") as file:
        asof = next(csv.DictReader(file))["run2_asof_utc"]
    done = execute("monitor", "--from", folder, "--as-of", asof, "--format", "json", *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def half_up(numerator, denominator):
    return (2 * numerator + denominator) // (2 * denominator)


@pytest.fixture(scope="session", name="week")
def unpacked_week(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    with tarfile.open(DATA / "reference" / "week.tar.xz") as archive:
        archive.extractall(folder)
    return folder / "week"


@pytest.fixture(scope="session", name="numbers")
def numbers_of_the_week(week):
    return monitor(week)


def test_the_week_adds_up_to_the_reference_totals(week, numbers):
    expected = json.loads((week / "run2" / "totals.json").read_text())
    status = expected["status"]
    total = numbers["total"]
    assert total["delivered"] == status["OK"]
    assert total["held"] == status["HELD_NO_IN"] + status["HELD_NO_OUT"]
    assert total["missed"] == status["MISSED"]
    assert total["same_carer"] == status["SAME_CARER"]
    assert total["cancelled_notice"] == status["CANC_NOTICE"]
    assert total["cancelled_short"] == status["CANC_SHORT"]
    assert (total["planned"] + total["cancelled_notice"] + total["cancelled_short"]
            == expected["slots"])
    assert total["late_2"] == expected["late_over_30"]
    assert total["planned_min"] * 60 == expected["planned_s"]
    assert total["actual_min"] == half_up(expected["delivered_s"], 60)
    assert total["paid_min"] == 15 * expected["A_units"]
    assert total["paid_pence"] == expected["A_pence"]


def test_each_provider_is_paid_what_the_run_says(week, numbers):
    expected = {}
    for key, pence in json.loads((week / "run2" / "totals.json").read_text())["A_by"].items():
        provider = key.split("/")[0]
        expected[provider] = expected.get(provider, 0) + pence
    assert {row["key"]: row["numbers"]["paid_pence"] for row in numbers["rows"]} == expected


def test_funders_are_paid_what_the_run_says(week):
    expected = {}
    for key, pence in json.loads((week / "run2" / "totals.json").read_text())["A_by"].items():
        funder = key.split("/")[1]
        expected[funder] = expected.get(funder, 0) + pence
    found = monitor(week, "--by", "funder")
    assert {row["key"]: row["numbers"]["paid_pence"] for row in found["rows"]} == expected


def test_short_visits_can_be_counted_from_the_slots(week, numbers):
    short = 0
    with open(week / "run2" / "slots.csv", encoding="utf-8", newline="") as file:
        slots = list(csv.DictReader(file))
    with open(week / "planned.csv", encoding="utf-8", newline="") as file:
        length = {row["visit_id"]: int(row["planned_end_utc"]) - int(row["planned_start_utc"])
                  for row in csv.DictReader(file)}
    for row in slots:
        if row["status"] == "OK" and length[row["visit_id"]] - int(row["worked_s"]) > 450:
            short += 1
    assert short > 0
    assert numbers["total"]["short"] == short


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_held_money_is_what_confirming_the_held_slots_would_add(week, numbers):
    """One week with one rate for each provider and funder: a line is a person and a provider."""
    funder = {row["person_id"]: row["funder"] for row in read(week / "people.csv")}
    rate = {}
    for row in read(week / "rates.csv"):
        if row["valid_from"] <= "2021-03-22" and row["valid_to"] > "2021-03-28":
            rate[row["provider_id"], row["funder"]] = int(row["pence_per_hour"])
    paid, confirmed = {}, {}
    for row in read(week / "run2" / "slots.csv"):
        line = row["provider_id"], row["person_id"]
        units = int(row["unitsA"] or 0)
        paid[line] = paid.get(line, 0) + units
        if row["status"].startswith("HELD"):
            units = (int(row["planned_end_utc"]) - int(row["planned_start_utc"])) // 900
        confirmed[line] = confirmed.get(line, 0) + units
    more = sum(half_up(confirmed[line] * rate[line[0], funder[line[1]]], 4)
               - half_up(units * rate[line[0], funder[line[1]]], 4)
               for line, units in paid.items())
    assert more > 0
    assert numbers["total"]["held_pence"] == more


def carers_of_slots(week):
    """(person, carer) of each attended slot, from the files of the run."""
    with open(week / "run2" / "slots.csv", encoding="utf-8", newline="") as file:
        return [(row["person_id"], row["carer_id"]) for row in csv.DictReader(file)
                if row["status"] in ("OK", "HELD_NO_IN", "HELD_NO_OUT")]


def test_continuity_can_be_counted_from_the_slots(week, numbers):
    pairs = carers_of_slots(week)
    counts = {}
    for person, carer in pairs:
        of_person = counts.setdefault(person, {})
        of_person[carer] = of_person.get(carer, 0) + 1
    total = numbers["total"]
    distinct = sum(len(of_person) for of_person in counts.values())
    usual = sum(sum(sorted(of_person.values())[-3:]) for of_person in counts.values())
    assert total["attended"] == len(pairs)
    assert total["person_weeks"] == len(counts)
    assert total["carers_a_week_milli"] == half_up(1000 * distinct, len(counts))
    assert total["usual"] == usual


@pytest.mark.parametrize("by", ["zone", "lot", "funder"])
def test_every_way_of_dividing_has_the_same_counts_in_total(week, numbers, by):
    assert monitor(week, "--by", by)["total"] == numbers["total"]


def test_the_days_of_a_week_add_up_to_the_week(week, numbers):
    days = [monitor(week, "--from-date", day, "--to-date", day)["total"]
            for day in (f"2021-03-{n}" for n in range(22, 29))]
    for name in ("planned", "delivered", "held", "missed", "same_carer", "cancelled_notice",
                 "cancelled_short", "late_1", "late_2", "late_3", "short", "ecm",
                 "double_visits", "double_both", "paid_min"):
        assert sum(day[name] for day in days) == numbers["total"][name], name


def test_bands_and_usual_carers_are_parameters(week, numbers):
    found = monitor(week, "--late", "30,60,90", "--usual", "1")
    assert found["late_s"] == [1800, 3600, 5400]
    assert found["total"]["late_1"] == numbers["total"]["late_2"]
    assert found["total"]["late_2"] == numbers["total"]["late_3"]
    assert 0 < found["total"]["usual"] < numbers["total"]["usual"]


def test_tsv_and_table_have_the_numbers_of_json(week, numbers):
    source = ("--from", week, "--as-of", "1618052400")
    done = execute("monitor", *source, "--format", "tsv")
    assert done.returncode == 0, done.stderr
    found = list(csv.DictReader(io.StringIO(done.stdout), delimiter="\t"))
    assert [row.pop("provider") for row in found] == [row["key"] for row in numbers["rows"]]
    for row, wanted in zip(found, numbers["rows"]):
        assert {name: int(value) for name, value in row.items()} == wanted["numbers"]
    table = execute("monitor", *source).stdout
    for name, value in numbers["total"].items():
        assert any(line.split()[0] == name and line.split()[-1] == str(value)
                   for line in table.splitlines() if line), name
        assert f"{name:<20} {numbers['definitions'][name]}\n" in table


def test_a_store_gives_the_same_bytes_as_the_files(week, tmp_path):
    store = tmp_path / "s.db"
    assert execute("import", week, "--store", store).returncode == 0
    one = execute("monitor", "--from", week, "--as-of", "1618052400", "--format", "json")
    two = execute("monitor", "--store", store, "--period", "R1", "--as-of", "1618052400",
                  "--format", "json")
    assert two.returncode == 0, two.stderr
    assert one.stdout == two.stdout


@pytest.mark.parametrize("option,value", [
    ("--by", "carer"), ("--format", "xml"), ("--late", "15,30"), ("--late", "30,15,60"),
    ("--late", "15,30,60,90"), ("--late", "-1,2,3"), ("--late", ""), ("--usual", "0"),
    ("--usual", "17"), ("--usual", "x"), ("--from-date", "2021-02-30"), ("--to-date", "soon"),
    ("--from-date", "2021-03-21"), ("--to-date", "2021-03-29")])
def test_what_cannot_be_asked_is_refused(week, option, value):
    done = execute("monitor", "--from", week, "--as-of", "1618052400", option, value)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("ecm-pay")


def test_dates_the_wrong_way_round_are_refused_in_one_line(week):
    done = execute("monitor", "--from", week, "--from-date", "2021-03-25", "--to-date",
                   "2021-03-24")
    assert done.returncode == 2
    assert done.stderr == "ecm-pay: --to-date is before --from-date\n"


def write(folder, name, header, *rows):
    (folder / f"{name}.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")


def local(day, clock):
    """UTC of a local time of October 2020; the clocks change in the night to the 25th."""
    hours, minutes = map(int, clock.split(":"))
    return 1603062000 + (day - 19) * 86400 + hours * 3600 + minutes * 60 + (3600 if day >= 25 else 0)


@pytest.fixture(scope="session", name="months")
def three_periods(tmp_path_factory):
    """
    Three periods of a week from 2020-10-19, one person, nine visits of half an hour at most:

    first   Mon 19 09:00 C1 30 min; Tue 20 09:00 C1 20 min; Sun 25 23:30 C2, who comes Mon 26 00:05 for 30 min
    second  Mon 26 09:00 C3; Tue 27 09:00 nobody; Wed 28 09:00 C3, no tap on leaving
    third   Mon 2 Nov 09:00 C4; Tue 3 09:00 C1; Sun 8 09:00 cancelled in good time
    """
    folder = tmp_path_factory.mktemp("months")
    weeks = [local(19, "0:00"), local(26, "0:00"), local(33, "0:00"), local(40, "0:00")]
    days = ["2020-10-19", "2020-10-26", "2020-11-02", "2020-11-09"]
    write(folder, "period", "period_id,start_date,end_date,start_utc,end_utc,run1_asof_utc,run2_asof_utc",
          *[f"R{n},{days[n]},{days[n + 1]},{weeks[n]},{weeks[n + 1]},{weeks[3]},{weeks[3] + 86400}"
            for n in range(3)])
    write(folder, "providers", "provider_id,zone,lot,tier,contract_minutes", "P1,N,1,1,600")
    write(folder, "rates", "provider_id,funder,valid_from,valid_to,pence_per_hour",
          "P1,LA,2020-01-01,2021-01-01,1600")
    write(folder, "people", "person_id,funder,zone,provider_id,double_handed", "S1,LA,N,P1,0")
    write(folder, "carers", "carer_id,provider_id", *[f"C{n},P1" for n in range(1, 5)])
    write(folder, "cards", "card_uid,carer_id,valid_from_utc,valid_to_utc",
          *[f"K{n},C{n},0,1099511627776" for n in range(1, 5)])
    write(folder, "devices", "device_id,person_id,valid_from_utc,valid_to_utc", "H1,S1,0,1099511627776")
    visits = [(19, "9:00"), (20, "9:00"), (25, "23:30"), (26, "9:00"), (27, "9:00"), (28, "9:00"),
              (33, "9:00"), (34, "9:00"), (39, "9:00")]
    write(folder, "planned", "visit_id,person_id,provider_id,planned_start_utc,planned_end_utc,"
          "carers_required,roster_carers,cancel_utc",
          *[f"V{n},S1,P1,{local(*at)},{local(*at) + 1800},1,,{local(37, '0:00') if n == 8 else ''}"
            for n, at in enumerate(visits)])
    taps = [(1, 19, "9:00", 30), (1, 20, "9:00", 20), (2, 26, "0:05", 30), (3, 26, "9:00", 30),
            (3, 28, "9:00", None), (4, 33, "9:00", 30), (1, 34, "9:00", 30)]
    rows = []
    for n, (carer, day, clock, minutes) in enumerate(taps):
        at = local(day, clock)
        rows.append(f"{at},i{n},H1,K{carer},I,{at}")
        if minutes is not None:
            rows.append(f"{at + 60 * minutes},o{n},H1,K{carer},O,{at + 60 * minutes}")
    write(folder, "events", "recv_utc,event_id,device_id,card_uid,kind,ts_utc", *rows)
    write(folder, "amendments",
          "amend_id,created_utc,action,person_id,carer_id,kind,ts_utc,event_id,reason_code")
    return folder


BY_HAND = {
    # dates: planned, delivered, held, missed, cancelled_notice, late_2, actual_min, paid_min, paid_pence,
    #        person_weeks, usual
    ("2020-10-19", "2020-11-08"): (8, 6, 1, 1, 1, 1, 170, 165, 4400, 3, 6),
    ("2020-10-19", "2020-10-25"): (3, 3, 0, 0, 0, 1, 50, 75, 2000, 1, 3),
    ("2020-10-25", "2020-10-26"): (2, 2, 0, 0, 0, 1, 60, 60, 1600, 2, 2),
    ("2020-10-26", "2020-10-26"): (1, 1, 0, 0, 0, 0, 60, 30, 800, 1, 1),
    ("2020-10-28", "2020-11-03"): (3, 2, 1, 0, 0, 0, 60, 60, 1600, 2, 3),
    ("2020-11-08", "2020-11-08"): (0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0),
}
NUMBERS = ["planned", "delivered", "held", "missed", "cancelled_notice", "late_2", "actual_min", "paid_min",
           "paid_pence", "person_weeks", "usual"]


@pytest.mark.parametrize("first,last", BY_HAND)
def test_dates_across_periods_are_counted_once_as_by_hand(months, first, last, tmp_path):
    store = tmp_path / "store.db"
    assert execute("import", months, "--store", store).returncode == 0
    for source in (["--from", months], ["--store", store]):
        done = execute("monitor", *source, "--as-of", local(41, "0:00"), "--format", "json", "--from-date",
                       first, "--to-date", last)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)["total"]
        assert tuple(found[number] for number in NUMBERS) == BY_HAND[first, last]


def test_without_dates_all_periods_are_counted_and_with_a_period_only_that(months):
    everything = monitor(months)
    assert (everything["from_date"], everything["to_date"]) == ("2020-10-19", "2020-11-08")
    assert everything["total"]["planned"] == 8
    assert monitor(months, "--period", "R1")["total"]["planned"] == 3


def test_dates_that_lie_in_no_period_are_refused(months):
    done = execute("monitor", "--from", months, "--from-date", "2020-10-01", "--to-date", "2020-11-03")
    assert done.returncode == 2
    assert done.stderr == ("ecm-pay: the periods are 2020-10-19 to 2020-11-08: --from-date and --to-date"
                           " must lie in that\n")
