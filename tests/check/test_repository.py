"""What README and docs/ promise about the repository is so, and nothing in it knows a machine."""
import os
import re

import pytest
from repository import ROOT, files, name, text_files

DOCUMENTS = [f for f in files() if f.suffix == ".md"]
FENCE = re.compile(r"^```[a-z]*\n(.*?)^```", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.M)
PATH_IN_CODE = re.compile(r"`((?:base|proto|hal|gateway|collector|tools|tests|docs)/[\w./-]*)`")
# The words are cut in two here, so that this file does not find itself.
MACHINE_PATHS = re.compile("(?<![\\w.])(/wo" "rk/|/ho" "me/[a-z]|/tmp/e" "cm/|/Use" "rs/)")
REGISTRY_HOSTS = re.compile("\\b(deb\\.deb" "ian\\.org|registry\\.np" "mjs|py" "pi\\.org|"
                            "snapshot\\.deb" "ian|crates\\.io|proxy\\.go" "lang)")


def anchor_of(heading: str) -> str:
    """How a heading is linked to, as GitHub and GitLab make it."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")


def test_every_command_that_readme_gives_is_there_and_can_be_run():
    commands = [line.split()[0] for block in FENCE.findall((ROOT / "README.md").read_text())
                for line in block.splitlines() if line.startswith("tools/")]
    assert {"tools/test", "tools/demo"} <= set(commands)
    for command in commands:
        assert os.access(ROOT / command, os.X_OK), command


def test_readme_gives_its_two_commands_before_any_other():
    blocks = FENCE.findall((ROOT / "README.md").read_text())
    first = [line.split()[0] for line in blocks[0].splitlines() if line.strip()]
    assert sorted(first) == ["tools/demo", "tools/test"]


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_readme_lists_every_top_folder():
    readme = (ROOT / "README.md").read_text()
    for folder in sorted(p.name for p in ROOT.iterdir() if p.is_dir()):
        if folder.startswith(".") or folder in ("build", "__pycache__"):
            continue
        assert f"`{folder}/`" in readme, f"README.md does not name the folder {folder}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_of_a_document_lead_somewhere(document):
    for target in LINK.findall(document.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (document.parent / path).resolve() if path else document
        assert there.exists(), f"{name(document)} links to {target}"
        if anchor:
            anchors = {anchor_of(h) for h in HEADING.findall(there.read_text())}
            assert anchor in anchors, f"{name(document)} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_paths_that_a_document_quotes_exist(document):
    # A fence may name the beginning of several files: gateway/out for gateway/out_db.c as well.
    # What the protobuf compiler writes lies below build/.
    quoted = [p for p in PATH_IN_CODE.findall(document.read_text()) if ".pb-c." not in p]
    for path in quoted:
        assert (ROOT / path).exists() or list(ROOT.glob(path + "*")), \
            f"{name(document)} speaks of {path}"


def test_no_file_knows_a_path_of_somebodys_machine():
    bad = [f"{name(f)}: {m.group(0)}" for f in text_files()
           for m in [MACHINE_PATHS.search(f.read_text(errors="replace"))] if m]
    assert bad == []


def test_no_file_names_a_package_registry():
    bad = [f"{name(f)}: {m.group(0)}" for f in text_files()
           for m in [REGISTRY_HOSTS.search(f.read_text(errors="replace"))] if m]
    assert bad == []


def test_no_c_test_is_switched_off():
    bad = [name(f) for f in files("tests") if f.suffix == ".c"
           and re.search(r"(?<![\w.])skip\s*\(\s*\)|^\s*#\s*if\s+0\b", f.read_text(), re.M)]
    assert bad == []
