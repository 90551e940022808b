"""Model B of the same files in hand-written SQL: sqlite3, PostgreSQL and DuckDB.

Each peer loads the tables that model B needs and runs model_b.sql. The only differences are how a
file is loaded, and the name of whole division. Result of each: seconds, peak memory, pence.
"""
import csv
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import zoneinfo

HERE = pathlib.Path(__file__).resolve().parent

# file -> columns with their types; all instants are whole seconds
TABLES = {
    "events": "recv_utc bigint, event_id text, device_id text, card_uid text, kind text, ts_utc bigint",
    "amendments": "amend_id text, created_utc bigint, action text, person_id text, carer_id text,"
                  " kind text, ts_utc bigint, event_id text, reason_code text",
    "cards": "card_uid text, carer_id text, valid_from_utc bigint, valid_to_utc bigint",
    "devices": "device_id text, person_id text, valid_from_utc bigint, valid_to_utc bigint",
    "planned": "visit_id text, person_id text, provider_id text, planned_start_utc bigint,"
               " planned_end_utc bigint, carers_required int, roster_carers text, cancel_utc bigint",
    "people": "person_id text, funder text, zone text, provider_id text, double_handed int",
    "rates": "provider_id text, funder text, valid_from text, valid_to text, pence_per_hour bigint",
}


class NotMeasured(Exception):
    pass


def period(folder: pathlib.Path) -> dict:
    with open(folder / "period.csv", newline="") as file:
        return next(csv.DictReader(file))


def weeks(row: dict) -> list[tuple]:
    """The local weeks of a period: number, first and last instant, Monday."""
    zone = zoneinfo.ZoneInfo("Europe/London")
    monday = datetime.date.fromisoformat(row["start_date"])
    end = datetime.date.fromisoformat(row["end_date"])
    found = []
    while monday < end:
        following = monday + datetime.timedelta(days=7)
        from_utc, to_utc = (int(datetime.datetime(d.year, d.month, d.day, tzinfo=zone).timestamp())
                            for d in (monday, following))
        found.append((len(found), from_utc, to_utc, monday.isoformat()))
        monday = following
    return found


def hours(row: dict) -> list[tuple]:
    """Every hour of the period and its local week: weeks begin at whole hours of UTC."""
    return [(hour, week) for week, from_utc, to_utc, _ in weeks(row)
            for hour in range(from_utc // 3600, to_utc // 3600)]


def calendar(row: dict) -> list[str]:
    """The statements that tell a database of the local weeks."""
    found = ["create table week(week int, monday text)",
             "create table hour(hour bigint primary key, week int)"]
    found += [f"insert into week values ({week}, '{monday}')" for week, _, _, monday in weeks(row)]
    pairs = ", ".join(str(pair) for pair in hours(row))
    return [*found, f"insert into hour values {pairs}"]


def query(row: dict, division: str) -> str:
    text = (HERE / "model_b.sql").read_text()
    for key, value in (("{asof}", row["run2_asof_utc"]), ("{start}", row["start_utc"]),
                       ("{end}", row["end_utc"])):
        text = text.replace(key, value)
    return re.sub(r"floor_div\(([^,()]+), (\d+)\)",
                  lambda match: division.format(match.group(1), match.group(2)), text)


def run_measured(command: list, **how) -> tuple[str, float, int]:
    """Output, seconds and peak kB of a command and its children."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **how)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise NotMeasured(f"{command[0]} failed: {output.strip()[-200:]}")
    return output, time.monotonic() - begin, usage.ru_maxrss


# ---- sqlite3 ------------------------------------------------------------------------------------

def sqlite_load(folder: pathlib.Path, row: dict) -> str:
    lines = ["pragma journal_mode=off; pragma synchronous=off; pragma temp_store=memory;",
             "pragma cache_size=-200000;", ".mode csv"]
    for name, columns in TABLES.items():
        lines.append(f"create table {name}_in({columns});")
        lines.append(f".import --skip 1 '{folder / name}.csv' {name}_in")
        if name == "events":
            lines.append("create view events as select *, rowid as arrival from events_in;")
        elif name == "planned":
            lines.append("update planned_in set cancel_utc = null where cancel_utc = '';")
            lines.append("create view planned as select * from planned_in;")
        else:
            lines.append(f"create view {name} as select * from {name}_in;")
    lines += [statement + ";" for statement in calendar(row)]
    lines.append("create index card on cards_in(card_uid); create index device on"
                 " devices_in(device_id); create index void on amendments_in(event_id);")
    return "\n".join(lines) + "\n"


def sqlite(folder: pathlib.Path, work: pathlib.Path) -> dict:
    if shutil.which("sqlite3") is None:
        raise NotMeasured("no sqlite3 (Debian: sqlite3)")
    row = period(folder)
    database = work / "peer.sqlite"
    script = work / "load.sql"
    script.write_text(sqlite_load(folder, row))
    _, load_s, load_kb = run_measured(["sqlite3", "-bail", str(database)], stdin=open(script))
    script.write_text("pragma temp_store=memory; pragma cache_size=-200000;\n.mode list\n"
                      + query(row, "(({}) / {})") + ";\n")
    output, query_s, query_kb = run_measured(["sqlite3", "-bail", str(database)], stdin=open(script))
    database.unlink()
    minutes, pence = output.split()[-1].split("|")
    return {"load_s": load_s, "query_s": query_s, "kb": max(load_kb, query_kb),
            "minutes": int(minutes), "pence": int(pence)}


# ---- PostgreSQL ---------------------------------------------------------------------------------

def postgres_home() -> pathlib.Path:
    homes = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not homes:
        raise NotMeasured("no PostgreSQL (Debian: postgresql)")
    return homes[-1].parent


class Postgres:
    """A cluster of its own in a folder, reached by a socket there; as another user when we are root."""

    def __init__(self, folder: pathlib.Path):
        self.home = postgres_home()
        self.folder = folder
        self.prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def __enter__(self):
        self.folder.mkdir()
        if self.prefix:
            shutil.chown(self.folder, "postgres")
        self.do("initdb", "-D", self.folder / "data", "-A", "trust", "--no-sync",
                "--locale=C")
        self.do("pg_ctl", "-D", self.folder / "data", "-w", "-l", self.folder / "log", "-o",
                f"-k {self.folder} -c listen_addresses='' -c shared_buffers=512MB"
                " -c work_mem=512MB -c fsync=off -c synchronous_commit=off -c max_wal_size=8GB"
                " -c max_parallel_workers_per_gather=2 -c maintenance_work_mem=512MB", "start")
        return self

    def __exit__(self, *_):
        self.do("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")

    def do(self, program: str, *arguments) -> str:
        result = subprocess.run([*self.prefix, self.home / program, *map(str, arguments)], text=True,
                                capture_output=True, cwd=self.folder)
        if result.returncode != 0:
            raise NotMeasured(f"{program}: {(result.stderr or result.stdout).strip()[-200:]}")
        return result.stdout

    def sql(self, text: str) -> tuple[str, float, int]:
        """Output, seconds, and the peak of the backend with what it shares."""
        wrapped = text + ("\nselect 'peak ' || substring(pg_read_file('/proc/self/status')"
                          " from 'VmHWM:\\s+(\\d+)');\n")
        begin = time.monotonic()
        result = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h",
                                 str(self.folder), "-U", "postgres" if self.prefix else
                                 os.environ.get("USER", "postgres"), "postgres"],
                                input=wrapped, text=True, capture_output=True)
        seconds = time.monotonic() - begin
        if result.returncode != 0:
            raise NotMeasured(f"psql: {result.stderr.strip()[-200:]}")
        lines = result.stdout.split("\n")
        peak = [line for line in lines if line.startswith("peak ")]
        return result.stdout, seconds, int(peak[0].split()[1]) if peak else 0


def postgres(folder: pathlib.Path, work: pathlib.Path) -> dict:
    row = period(folder)
    load = []
    for name, columns in TABLES.items():
        extra = ", arrival bigserial" if name == "events" else ""
        names = ", ".join(column.split()[0] for column in columns.split(","))
        load.append(f"create unlogged table {name}({columns}{extra});")
        load.append(f"\\copy {name}({names}) from '{folder / name}.csv' with (format csv, header)")
    load += [statement + ";" for statement in calendar(row)]
    load.append("analyze;")
    with Postgres(work / "pg") as server:
        _, load_s, load_kb = server.sql("\n".join(load))
        output, query_s, query_kb = server.sql(
            query(row, "cast(div(cast({} as numeric), {}) as bigint)") + ";")
    minutes, pence = output.split("\n")[0].split("|")
    return {"load_s": load_s, "query_s": query_s, "kb": max(load_kb, query_kb),
            "minutes": int(minutes), "pence": int(pence)}


# ---- DuckDB -------------------------------------------------------------------------------------

DUCKDB_SCRIPT = """
const { DuckDBInstance } = require('@duckdb/node-api');
const fs = require('fs');
(async () => {
  const steps = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
  const db = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await db.connect();
  const begin = performance.now();
  for (const sql of steps.load) await connection.run(sql);
  const loaded = performance.now();
  const rows = await (await connection.runAndReadAll(steps.query)).getRows();
  console.log(JSON.stringify({ load_s: (loaded - begin) / 1000,
    query_s: (performance.now() - loaded) / 1000,
    minutes: Number(rows[0][0]), pence: Number(rows[0][1]) }));
})().catch((error) => { console.log(String(error)); process.exit(1); });
"""


def duckdb(folder: pathlib.Path, work: pathlib.Path, packages: pathlib.Path) -> dict:
    if shutil.which("npm") is None:
        raise NotMeasured("no npm (Debian: npm)")
    row = period(folder)
    packages.mkdir(parents=True, exist_ok=True)
    if not (packages / "node_modules" / "@duckdb" / "node-api").exists():
        result = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "@duckdb/node-api"],
                                cwd=packages, capture_output=True, text=True)
        if result.returncode != 0:
            raise NotMeasured("npm install @duckdb/node-api failed")
    load = []
    for name, columns in TABLES.items():
        extra = ", row_number() over () as arrival" if name == "events" else ""
        kinds = ", ".join(f"'{c.split()[0]}': '{c.split()[1]}'" for c in columns.split(","))
        load.append(f"create table {name} as select *{extra} from read_csv('{folder / name}.csv',"
                    f" header=true, columns={{{kinds}}})")
    load += calendar(row)
    (work / "steps.json").write_text(json.dumps({"load": load, "query": query(row, "(({}) // {})")}))
    (packages / "model_b.js").write_text(DUCKDB_SCRIPT)
    output, _, kb = run_measured(["node", str(packages / "model_b.js"), str(work / "steps.json")])
    return {**json.loads(output.strip().split("\n")[-1]), "kb": kb}
