#!/usr/bin/env python3
"""A year of a borough: seconds and peak memory of each way through the payment engine, against its
target, a floor of this machine, and the same pence by hand-written SQL.

Usage: bench_pay.py BUILD_DIR [--weeks 52] [--people 1650] [--repeat 3] [--no-peers]
                    [--only run,import,store,week,live] [--keep FOLDER] [--json FILE]

Wants a release build and a quiet machine; two processors are used. See README.md. Exit status 1 when
two ways do not come to the same pence.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import peers

TARGETS = {  # docs/RECONCILIATION.md section 8: seconds, MB
    "run": (2.5, 500), "import": (12, None), "store": (4, 500), "week": (0.060, None),
    "live": (0.005, None),
}
WORDS = {
    "run": "from the files, models A, B, C, all files out",
    "import": "import into the durable store",
    "store": "the same run from the store",
    "week": "one week, from its store",
    "live": "one person-week after a late tap, commit to feed (median)",
}
WEEK_ASOF = "9999999999"


class Bench:
    def __init__(self, arguments, work: pathlib.Path):
        self.arguments = arguments
        self.work = work
        self.bin = arguments.build / "bin"
        self.test_bin = arguments.build / "tests" / "bin"
        self.rows = []
        self.pence = {}

    def make(self, name: str, weeks: int) -> pathlib.Path:
        folder = self.work / name
        if not folder.exists():
            subprocess.run([self.bin / "ecm-sim", "--make-import", folder, "--day", "2020-03-30",
                            "--weeks", str(weeks), "--homes", str(self.arguments.people)], check=True)
        return folder

    def measure(self, command: list) -> tuple[float, float, int]:
        """Seconds, processor seconds and peak kB."""
        begin = time.monotonic()
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"bench: {command[0]} failed: {errors}")
        return time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss

    def best(self, command: list, before=None) -> tuple[float, float, int]:
        found = []
        for _ in range(self.arguments.repeat):
            if before is not None:
                before()
            found.append(self.measure(command))
        return min(found)

    def add(self, name: str, seconds: float, cpu_s, kb):
        self.rows.append({"name": name, "seconds": seconds, "cpu_s": cpu_s, "kb": kb})

    def is_wanted(self, name: str) -> bool:
        return not self.arguments.only or name in self.arguments.only.split(",")

    # ---- ours -----------------------------------------------------------------------------------

    def floor(self, year: pathlib.Path) -> dict:
        output = subprocess.run([self.test_bin / "pay_floor", year / "events.csv",
                                 year / "planned.csv"], check=True, capture_output=True, text=True)
        return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", output.stdout)}

    def run_command(self, source: list, out: str) -> list:
        return [self.bin / "ecm-pay", "run", *source, "--as-of", WEEK_ASOF, "--models", "A,B,C",
                "--out", self.work / out]

    def note_pence(self, way: str, out: str):
        totals = json.loads((self.work / out / "totals.json").read_text())
        self.pence[way] = {model: totals[f"{model}_pence"] for model in "ABC"}

    def run_from_files(self, year: pathlib.Path):
        self.add("run", *self.best(self.run_command(["--from", year], "run")))
        self.note_pence("files", "run")

    def import_and_run(self, year: pathlib.Path):
        store = self.work / "year.db"

        def remove():
            for path in self.work.glob("year.db*"):
                path.unlink()

        if self.is_wanted("import") or self.is_wanted("store"):
            self.add("import", *self.best([self.bin / "ecm-pay", "import", year, "--store", store],
                                          remove))
        if self.is_wanted("store"):
            self.add("store", *self.best(self.run_command(["--store", store], "stored")))
            self.note_pence("store", "stored")

    def one_week(self, week: pathlib.Path):
        store = self.work / "week.db"
        self.measure([self.bin / "ecm-pay", "import", week, "--store", store])
        self.add("week", *self.best(self.run_command(["--store", store], "weekly")))

    def late_taps(self, week: pathlib.Path):
        count = min(200, self.arguments.people // 4)
        output = subprocess.run([self.test_bin / "pay_live", week, self.work / "live.db", str(count)],
                                check=True, capture_output=True, text=True).stdout
        times = [int(us) / 1e6 for us in re.search(r"us=([\d,]+)", output).group(1).split(",")]
        changed = int(re.search(r"changed=(\d+)", output).group(1))
        if changed == 0:
            sys.exit("bench: late taps changed no row of the feed")
        kb = int(re.search(r"kb=(\d+)", output).group(1))
        self.add("live", statistics.median(times), None, kb)
        self.rows[-1].update(p95=sorted(times)[len(times) * 95 // 100], worst=max(times),
                             changed=changed, taps=len(times))

    # ---- peers ----------------------------------------------------------------------------------

    def compare(self, year: pathlib.Path):
        wanted = {"sqlite3": lambda w: peers.sqlite(year, w),
                  "PostgreSQL": lambda w: peers.postgres(year, w),
                  "DuckDB": lambda w: peers.duckdb(year, w, self.arguments.build / "bench-pay-npm")}
        for name, measure in wanted.items():
            if self.arguments.peers and name not in self.arguments.peers.split(","):
                continue
            work = self.work / name
            work.mkdir(mode=0o755)
            try:
                found = measure(work)
            except peers.NotMeasured as reason:
                self.rows.append({"name": name, "not_measured": str(reason)})
                continue
            finally:
                shutil.rmtree(work, ignore_errors=True)
            self.rows.append({"name": name, "seconds": found["load_s"] + found["query_s"], **found})
            self.pence[name] = {"B": found["pence"]}

    def model_b_alone(self, year: pathlib.Path):
        command = self.run_command(["--from", year], "b")
        command[command.index("A,B,C")] = "B"
        self.add("ours, B alone", *self.best(command))
        self.note_pence("B alone", "run")

    def check(self):
        for model in "ABC":
            found = {way: pence[model] for way, pence in self.pence.items() if model in pence}
            if len(set(found.values())) > 1:
                print(f"bench: model {model} comes to different pence: {found}", file=sys.stderr)
                sys.exit(1)


def show(bench: Bench, floor: dict):
    floor_s = (floor["read"] + floor["sort"]) / 1e6
    print(f"floor: {floor['bytes'] / 1e6:.0f} MB read and looked at in {floor['read'] / 1e6:.2f} s, "
          f"{floor['keys'] / 1e6:.1f} M keys sorted in {floor['sort'] / 1e6:.2f} s, two threads: "
          f"{floor_s:.2f} s")
    print(f"{'':14} {'seconds':>8} {'cpu s':>7} {'MB':>5} {'target':>8} {'of it':>6} {'floors':>7}")
    for row in bench.rows:
        if "not_measured" in row:
            print(f"{row['name']:14} not measured: {row['not_measured']}")
            continue
        target_s, target_mb = TARGETS.get(row["name"], (None, None))
        print(f"{row['name']:14} {row['seconds']:8.3f} "
              f"{'' if row.get('cpu_s') is None else format(row['cpu_s'], '.2f'):>7} "
              f"{'' if row.get('kb') is None else row['kb'] // 1000:>5} "
              f"{'' if target_s is None else target_s:>8} "
              f"{'' if target_s is None else format(row['seconds'] / target_s, '.2f'):>6} "
              f"{format(row['seconds'] / floor_s, '.1f') if row['name'] in ('run', 'store') else '':>7}"
              f"  {WORDS.get(row['name'], '')}"
              + (f"load {row['load_s']:.1f} s, query {row['query_s']:.1f} s" if "load_s" in row else "")
              + (f"; p95 {row['p95'] * 1000:.1f} ms, worst {row['worst'] * 1000:.1f} ms, "
                 f"{row['changed']} rows by {row['taps']} taps" if "p95" in row else ""))
    print("pence: " + json.dumps(bench.pence))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("build", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--people", type=int, default=1650)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--peers", default="", help="sqlite3,PostgreSQL,DuckDB; all when not given")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the data, kept; else a temporary")
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="bench-pay-") as temporary:
        os.chmod(temporary, 0o755)  # PostgreSQL runs as somebody else
        work = (arguments.keep or pathlib.Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        bench = Bench(arguments, work)
        year = bench.make("year", arguments.weeks)
        week = bench.make("week", 1)
        floor = bench.floor(year)
        if bench.is_wanted("run"):
            bench.run_from_files(year)
        bench.import_and_run(year)
        if bench.is_wanted("week"):
            bench.one_week(week)
        if bench.is_wanted("live"):
            bench.late_taps(week)
        if not arguments.no_peers:
            bench.model_b_alone(year)
            bench.compare(year)
        if arguments.json:
            arguments.json.write_text(json.dumps({"floor": floor, "rows": bench.rows,
                                                  "pence": bench.pence}, indent=1))
        show(bench, floor)
        bench.check()
    return 0


if __name__ == "__main__":
    sys.exit(main())
