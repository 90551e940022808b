"""The files of this repository, for the tests beside this file."""
import os
import pathlib

ROOT = pathlib.Path(os.environ["ECM_SOURCE"])
NOT_OURS = {".git", "build", "__pycache__"}
TEXT_SUFFIXES = {"", ".c", ".h", ".md", ".py", ".sh", ".cmake", ".txt", ".json", ".proto", ".list",
                 ".conf", ".service", ".words", ".suppressions", ".1", ".5", ".7", ".8"}


def files(under: str = "") -> list[pathlib.Path]:
    """Every file below a folder of ours, what git ignores left out."""
    found = []
    for folder, folders, names in os.walk(ROOT / under):
        folders[:] = sorted(f for f in folders if f not in NOT_OURS)
        found += [pathlib.Path(folder) / name for name in sorted(names)
                  if name not in NOT_OURS]  # in a work tree .git is a file
    return found


def text_files() -> list[pathlib.Path]:
    """Every file that a person wrote: data and fuzz corpora left out."""
    return [f for f in files()
            if f.suffix in TEXT_SUFFIXES
            and not f.is_relative_to(ROOT / "tests" / "data")
            and not any(part.startswith("corpus") for part in f.parts)]


def name(path: pathlib.Path) -> str:
    return path.relative_to(ROOT).as_posix()
