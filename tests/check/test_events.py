"""docs/OPERATIONS.md lists exactly the events that the daemons log: alerts hang on them."""
import re

from repository import ROOT, files

EVENT = re.compile(r"\bevent=([a-z0-9]+(?:-[a-z0-9]+)*)")
# A file that logs "event=%s" chooses among ids that stand in it as strings.
CHOSEN_EVENT = re.compile(r'"([a-z0-9]+(?:-[a-z0-9]+)+)"')
ROW = re.compile(r"^\| `([a-z0-9-]+)` \|", re.M)


def logged() -> dict[str, str]:
    found = {}
    for folder in ("base", "gateway", "collector"):
        for file in files(folder):
            if file.suffix != ".c":
                continue
            text = file.read_text()
            events = EVENT.findall(text)
            if "event=%s" in text:
                events += CHOSEN_EVENT.findall(text)
            for event in events:
                found[event] = file.relative_to(ROOT).as_posix()
    return found


def listed() -> list[str]:
    text = (ROOT / "docs" / "OPERATIONS.md").read_text()
    section = text.split("\n## Events", 1)[1].split("\n## ", 1)[0]
    return ROW.findall(section)


def test_every_event_that_is_logged_is_explained():
    assert logged(), "no source logs an event; has the spelling changed?"
    missing = {e: f for e, f in logged().items() if e not in listed()}
    assert missing == {}


def test_every_event_that_is_explained_is_logged():
    assert sorted(set(listed()) - set(logged())) == []


def test_no_event_is_explained_twice():
    assert len(listed()) == len(set(listed()))
