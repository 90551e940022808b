#!/usr/bin/env python3
"""Print "PASSED FAILED SKIPPED" of a JUnit file that ctest wrote.

A test is skipped when it said so itself; one that ctest could not start has failed.
"""
import sys
import xml.etree.ElementTree as ElementTree


def verdict(case: ElementTree.Element) -> str:
    status = case.get("status")
    if status == "run":
        return "passed"
    if status == "disabled":
        return "skipped"
    reason = case.find("skipped")
    if status == "notrun" and reason is not None and reason.get("message", "").startswith("SKIP_"):
        return "skipped"
    return "failed"


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: junit_counts.py FILE", file=sys.stderr)
        return 2
    try:
        report = ElementTree.parse(sys.argv[1])
    except (OSError, ElementTree.ParseError) as error:
        print(f"junit_counts: ctest left no account of its tests: {error}", file=sys.stderr)
        return 1
    verdicts = [verdict(c) for c in report.iter("testcase")]
    print(*(verdicts.count(v) for v in ("passed", "failed", "skipped")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
