"""Just enough MQTT 3.1.1 (OASIS standard, 2014) to ask a broker what it allows."""
import socket
import ssl
import struct


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("!H", len(raw)) + raw


def _packet(kind: int, body: bytes) -> bytes:
    size, head = len(body), bytearray([kind])
    while True:
        size, digit = divmod(size, 128)
        head.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(head) + body


class Client:
    """A clean session over TLS as the owner of a certificate."""

    def __init__(self, port: int, context: ssl.SSLContext, client_id: str):
        plain = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.socket.sendall(_packet(0x10, _text("MQTT") + b"\x04\x02\x00\x3c" + _text(client_id)))
        kind, body = self._read()
        if kind != 0x20 or body[1] != 0:
            raise ConnectionError(f"refused with {body!r}")

    def close(self):
        self.socket.close()

    def publish(self, topic: str, payload: bytes):
        self.socket.sendall(_packet(0x30, _text(topic) + payload))

    def subscribe(self, pattern: str) -> bool:
        """Whether the broker took it. (It may take it and never deliver: ask by delivery too.)"""
        self.socket.sendall(_packet(0x82, b"\x00\x01" + _text(pattern) + b"\x00"))
        kind, body = self._read()
        assert kind == 0x90, kind
        return body[2] != 0x80

    def ping(self) -> list[tuple[str, bytes]]:
        """What was delivered up to a ping: the broker answers a connection in order."""
        self.socket.sendall(_packet(0xC0, b""))
        delivered = []
        while True:
            kind, body = self._read()
            if kind == 0xD0:
                return delivered
            assert kind & 0xF0 == 0x30, kind
            size = struct.unpack("!H", body[:2])[0]
            delivered.append((body[2:2 + size].decode(), body[2 + size:]))

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the broker hung up")
            data += more
        return data

    def _read(self) -> tuple[int, bytes]:
        kind, size, shift = self._exactly(1)[0], 0, 0
        while True:
            digit = self._exactly(1)[0]
            size |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                return kind, self._exactly(size)
