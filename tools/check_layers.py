#!/usr/bin/env python3
"""Fail when a source file knows more than its folder may.

The tables below are the architecture (docs/ARCHITECTURE.md). A change to them deserves a review
of its own.
"""
import pathlib
import re
import sys

# folder -> folders it may include, besides itself
MAY_INCLUDE = {
    "base": [],
    "proto": [],
    "proto/nano": ["proto"],
    "firmware/link": ["proto"],
    "hal": [],
    "hal/chip": ["hal"],
    "hal/linux": ["hal"],
    "hal/fake": ["hal", "hal/chip"],
    "hal/pico": ["hal"],
    "boards": [],
    "tap": ["proto"],
    "firmware/flashlog": ["hal"],
    "firmware/crypto": [],
    "firmware/boot": ["firmware/crypto", "hal"],
    "firmware/identity": ["hal"],
    "firmware/app": ["firmware/boot", "firmware/flashlog", "firmware/link", "hal", "hal/chip",
                     "tap"],
    "firmware/pico": ["boards", "firmware/app", "firmware/boot", "firmware/crypto", "firmware/identity",
                      "hal", "hal/chip", "hal/pico"],
    "gateway": ["base", "hal", "hal/chip", "proto", "tap"],
    "collector": ["base", "proto", "collector/ingest", "collector/live", "collector/storage"],
    "collector/visits": [],
    "collector/pay": ["collector/visits"],
    "collector/import": ["base", "collector/visits"],
    "collector/storage": ["base", "proto", "collector/visits"],
    "collector/ingest": ["base", "proto", "collector/storage"],
    "collector/corrections": ["base", "collector/visits", "collector/pay", "collector/storage"],
    "collector/live": ["base", "collector/visits", "collector/pay", "collector/storage",
                       "collector/corrections"],
    "collector/cli": ["base", "proto", "collector/import", "collector/visits", "collector/pay",
                      "collector/storage", "collector/corrections", "collector/live"],
    "tools/ecm-field": ["base", "hal", "proto", "firmware/boot", "firmware/crypto", "firmware/flashlog",
                        "firmware/identity"],
    "tools/ecm-sim": ["base", "proto", "hal", "hal/chip", "hal/fake", "gateway"],
}

# the one file of a program where everything is put together -> what it may include besides
COMPOSED_IN = {
    "gateway/main.c": ["hal/linux", "hal/fake"],
}

# third-party header (a prefix) -> files or folders that may include it
FENCED = {
    "sqlite3.h": ["gateway/outbox", "collector/storage"],
    "mosquitto.h": ["base/mqtt"],
    "gpiod.h": ["hal/linux"],
    "linux/spi": ["hal/linux"],
    "linux/gpio": ["hal/linux"],
    "termios.h": ["hal/linux", "tests", "tools/ecm-sim"],
    "protobuf-c": ["proto"],
    "proto/ecm.pb-c.h": ["proto"],
    "ecm.pb-c.h": ["proto"],
    "pb.h": ["proto/nano"],
    "pb_": ["proto/nano"],
    "ecm.pb.h": ["proto/nano"],
    "openssl/": ["base/hash.c"],
    "ev.h": ["base/loop.c"],
    "sodium.h": ["base/chain.c", "base/log.c"],
    "sodium/": ["firmware/crypto/crypto_sodium.c"],
    "ini.h": ["base/conf.c"],
    "pico/": ["hal/pico", "firmware/pico"],
    "hardware/": ["hal/pico", "firmware/pico"],
}
# In tests anything may be included: they stand outside the house.

MAY_LOG = ["gateway/main.c", "gateway/gateway.c", "gateway/gateway_inputs.c", "gateway/uplink.c",
           "gateway/health.c", "gateway/relay.c", "gateway/taglines.c",
           "collector/main.c", "collector/collector.c", "collector/inputs.c",
           "collector/ingest/ingest.c",
           "collector/live/live.c"]

BANNED = ["strcpy", "strcat", "sprintf", "gets", "atoi", "strtok", "system", "popen",
          "localtime", "gmtime", "rand"]

LINES_MAX = {".c": 600, ".h": 260}

INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.M)
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
LOG_CALL = re.compile(r"(?<!\w)log_(err|warn|info|debug)\s*\(")
COMMENT = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)


def folder_of(path: pathlib.PurePath) -> str:
    """The longest listed folder that holds path."""
    return max((f for f in MAY_INCLUDE if path.is_relative_to(f)), key=len, default="")


def check_include(here: str, file: str, name: str) -> str:
    for prefix, homes in FENCED.items():
        if name.startswith(prefix) and not any(file.startswith(h) for h in homes):
            return f"{name} is fenced to {', '.join(homes)}"
    there = folder_of(pathlib.PurePath(name))
    if not there or there == here or there in MAY_INCLUDE[here]:
        return ""
    if there in COMPOSED_IN.get(file, []):
        return ""
    return f"{here} may not include {name}"


def check_file(root: pathlib.Path, path: pathlib.Path) -> list[str]:
    file = path.relative_to(root).as_posix()
    here = folder_of(path.relative_to(root))
    if not here:
        return [f"{file}: in no folder of the table"]
    text = path.read_text()
    found = []
    for match in INCLUDE.finditer(text):
        problem = check_include(here, file, match.group(1))
        if problem:
            found.append(f"{file}:{text.count(chr(10), 0, match.start()) + 1}: {problem}")
    code = COMMENT.sub("", text)
    for name in BANNED_CALL.findall(code):
        found.append(f"{file}: {name}() is banned")
    if LOG_CALL.search(code) and file not in MAY_LOG and not file.startswith("base/log"):
        found.append(f"{file}: may not log; return the error instead")
    lines = text.count("\n")
    if lines > LINES_MAX[path.suffix]:
        found.append(f"{file}: {lines} lines, more than {LINES_MAX[path.suffix]}")
    return found


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    files = [p for top in ("base", "proto", "hal", "boards", "tap", "firmware", "gateway", "collector", "tools")
             for p in sorted((root / top).rglob("*.[ch]"))]
    if len(files) < 10:
        print("check_layers: found hardly any source; wrong folder?")
        return 1
    found = [line for path in files for line in check_file(root, path)]
    print("\n".join(found) if found else f"check_layers: {len(files)} files keep to the arrows")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
