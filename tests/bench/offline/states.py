"""The states a gateway publishes, as somebody with nothing but the broker sees them."""
import pathlib
import socket
import threading

from mqtt_client import Client, _packet, _text
from simlib import ROOT, fields


def _load_names():
    """Number -> name of the fields of message DeviceState, from the contract itself."""
    body = pathlib.Path(ROOT / "proto/ecm.proto").read_text(encoding="utf-8")
    names = {}
    for line in body.split("message DeviceState {")[1].split("\n}")[0].splitlines():
        words = line.split("//")[0].split()
        if len(words) == 4 and words[2] == "=":
            names[int(words[3].rstrip(";"))] = words[1]
    return names


NAMES = _load_names()


class PlainClient(Client):
    """The same without TLS, on the loopback."""

    def __init__(self, port: int, client_id: str):  # pylint: disable=super-init-not-called
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.sendall(_packet(0x10, _text("MQTT") + b"\x04\x02\x00\x3c" + _text(client_id)))
        kind, body = self._read()
        if kind != 0x20 or body[1] != 0:
            raise ConnectionError(f"refused with {body!r}")

    def next_message(self):
        kind, body = self._read()
        while kind & 0xF0 != 0x30:
            kind, body = self._read()
        size = int.from_bytes(body[:2], "big")
        return body[2:2 + size].decode(), body[2 + size:]


def decode_state(payload: bytes) -> dict:
    """Absent fields are 0, as protobuf has it."""
    return {name: 0 for name in NAMES.values()} | {
        NAMES[number]: value for number, value in fields(payload) if number in NAMES}


class StateWatch:
    """Collects every state on topic while it is open."""

    def __init__(self, port: int, topic: str):
        self.states = []
        self.port, self.topic = port, topic
        self.client = None

    def __enter__(self):
        self.client = PlainClient(self.port, "state-watch")
        assert self.client.subscribe(self.topic)
        self.client.socket.settimeout(None)
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def _watch(self):
        try:
            while True:
                self.states.append(decode_state(self.client.next_message()[1]))
        except (OSError, ConnectionError):
            pass

    def __exit__(self, *_):
        self.client.socket.shutdown(socket.SHUT_RDWR)
        self.client.close()
