"""docs/PROTOCOL.md describes the schema field by field; here is who notices when one is forgotten."""
import os
import pathlib
import re

import pytest

ROOT = pathlib.Path(os.environ["ECM_SOURCE"])
PROTOCOL = (ROOT / "docs" / "PROTOCOL.md").read_text()
SCHEMA = (ROOT / "proto" / "ecm.proto").read_text()
MESSAGE = re.compile(r"^message (\w+) \{\n(.*?)^\}", re.M | re.S)
FIELD = re.compile(r"^ +(?:repeated )?[\w.]+ (\w+) = (\d+);", re.M)

FIELDS = [(message, field) for message, body in MESSAGE.findall(SCHEMA)
          for field, _ in FIELD.findall(body)]


def test_the_schema_was_read():
    assert len(FIELDS) > 60


@pytest.mark.parametrize("message,field", FIELDS)
def test_every_field_is_in_the_document(message, field):
    assert re.search(rf"\b{field}\b", PROTOCOL), f"{message}.{field}"


@pytest.mark.parametrize("message", sorted({m for m, _ in FIELDS}))
def test_every_message_is_in_the_document(message):
    assert re.search(rf"\b{message}\b", PROTOCOL)


@pytest.mark.parametrize("message,field", FIELDS)
def test_every_field_is_described_in_the_schema(message, field):
    body = dict(MESSAGE.findall(SCHEMA))[message]
    lines = body[:re.search(rf"\b{field} = ", body).start()].splitlines()[:-1]
    above = [line.strip() for line in lines if line.strip()]
    kind = ("Tap", "Boot", "ClockSet", "Tamper", "Button", "ReaderFault", "ConfigApplied",
            "UpdateApplied", "Hello", "Batch", "Sun")
    type_of = re.search(rf"(\w+) {field} = ", body).group(1)
    assert type_of in kind or above[-1].startswith("//") or above[-1].startswith("oneof"), field
