#!/usr/bin/env python3
"""Print a compile_commands.json without what a generator wrote below build/."""
import json
import sys


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: own_commands.py FILE", file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding="utf-8") as file:
        commands = json.load(file)
    json.dump([c for c in commands if "/build/" not in c["file"]], sys.stdout, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
