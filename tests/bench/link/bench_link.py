#!/usr/bin/env python3
"""How fast a tag reader's log drains over a line of 115200 baud, against what the line could carry.

usage: bench_link.py BUILD_DIR [TAPS]

The reader is reader_host (the firmware's session and codec) behind a pty that passes no byte faster
than the line would; the gateway is ecm-gateway with its disk. Three rates in the same run:
  wire      taps a second if the line carried nothing but these frames, back to back
  held      taps a second until the gateway had committed the last one
  unpaced   the same without the pace of the line: what our own parts could do
Prints TSV: name, taps a second, share of wire. Exit 1 when held is below half of wire.
"""
import os
import pathlib
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/release").resolve()
SOURCE = pathlib.Path(__file__).resolve().parents[3]
TAPS = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
os.environ.setdefault("ECM_BIN", str(BUILD / "bin"))
os.environ.setdefault("ECM_TEST_BIN", str(BUILD / "tests/bin"))
os.environ.setdefault("ECM_SOURCE", str(SOURCE))
sys.path.insert(0, str(SOURCE / "tests/integration/link"))
from test_link import Gateway, Reader, Site  # noqa: E402


def drain(baud):
    """Seconds from the first request to the last commit, and the bytes of the frames."""
    with tempfile.TemporaryDirectory(prefix="ecm-bench-link-") as folder:
        site = Site(pathlib.Path(folder))
        try:
            gateway = Gateway(site, "gw-a").start()
            reader = Reader(site, "PR-0001", baud=baud)
            reader.plug(gateway)
            reader.tap(1)
            reader.wait("done", 1)  # it is greeted and its clock is set
            sent = int(reader.status()["sent"])
            begin = time.monotonic()
            head = reader.tap(TAPS)
            reader.wait("held", head, 300)
            seconds = time.monotonic() - begin
            sent = int(reader.status()["sent"]) - sent
            reader.wait("done", head, 300)
            site.check("PR-0001", head)
            return seconds, sent
        finally:
            site.stop()


def main():
    seconds, sent = drain(115200)
    free, _ = drain(0)
    wire = TAPS / (sent * 10 / 115200)
    rows = [("wire", wire), ("held", TAPS / seconds), ("unpaced", TAPS / free)]
    print("name\ttaps_per_s\tof_wire")
    for name, rate in rows:
        print(f"{name}\t{rate:.0f}\t{rate / wire:.2f}")
    print(f"# {TAPS} taps, {sent} bytes sent by the reader, {sent / TAPS:.1f} a tap")
    return 0 if TAPS / seconds >= wire / 2 else 1


if __name__ == "__main__":
    sys.exit(main())
