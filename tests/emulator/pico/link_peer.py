"""A gateway by script, for what a good one never does. docs/PROTOCOL.md, "The link", written down once more.

It knows as much of the protocol as an update needs; every record counts as held.
"""
import hashlib
import os
import select
import struct
import threading
import time
import zlib

HELLO, BATCH, TIME, STATE, UPDATE, RESULT = 1, 2, 3, 4, 5, 6
WELCOME, ACK, TIME_ANSWER, BLOCK = 0x81, 0x82, 0x83, 0x85


# ---- frames ---------------------------------------------------------------------------------

def cobs(data: bytes) -> bytes:
    out, group = bytearray(), bytearray()
    for byte in data + b"\0":
        if byte == 0 or len(group) == 254:
            out += bytes([len(group) + 1]) + group
            group = bytearray()
        if byte != 0:
            group.append(byte)
    return bytes(out)


def uncobs(data: bytes) -> bytes:
    out, at = bytearray(), 0
    while at < len(data):
        size = data[at]
        out += data[at + 1:at + size]
        at += size
        if size < 255 and at < len(data):
            out.append(0)
    return bytes(out)


def frame(kind: int, ack_seq: int, payload: bytes) -> bytes:
    raw = bytes([1, kind, 0, ack_seq]) + payload
    return b"\0" + cobs(raw + struct.pack("<I", zlib.crc32(raw))) + b"\0"


# ---- messages: {number: value}; int is a varint, 8 bytes are a fixed64 where marked -----------

def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def message(*fields) -> bytes:
    """(number, value) in order; what is zero or empty is left out, as proto3 does."""
    out = b""
    for number, value in fields:
        if isinstance(value, tuple):  # fixed64
            out += varint(number << 3 | 1) + struct.pack("<Q", value[0]) if value[0] else b""
        elif isinstance(value, int):
            out += varint(number << 3) + varint(value) if value else b""
        elif value:
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def take_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def fields(data: bytes) -> dict:
    found, at = {}, 0
    while at < len(data):
        key, at = take_varint(data, at)
        if key & 7 == 1:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        elif key & 7 == 2:
            size, at = take_varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            value, at = take_varint(data, at)
        found[key >> 3] = value
    return found


# ---- the gateway ----------------------------------------------------------------------------

class Peer:
    """with Peer(fd, offer) as peer: answers until the end. offer: (file, board, version) or None.

    serve(offset, data, count) says which block goes out for the count-th question: (offset, data) or None.
    """

    def __init__(self, fd: int, file: bytes, board: str, serve=lambda offset, data, count: (offset, data)):
        self.fd, self.file, self.serve = fd, file, serve
        self.offer = message((1, hashlib.sha256(file).digest()), (2, len(file)), (3, board.encode()), (4, b"9.9.9"))
        self.epoch = self.held = self.blocks = 0
        self.results = []  # (code, text)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()

    def _run(self):
        line = b""
        while not self.stopped.is_set():
            if select.select([self.fd], [], [], 0.05)[0]:
                *frames, line = (line + os.read(self.fd, 4096)).split(b"\0")
                for raw in map(uncobs, filter(None, frames)):
                    if len(raw) >= 8 and zlib.crc32(raw[:-4]) == struct.unpack("<I", raw[-4:])[0]:
                        self._answer(raw[1], raw[2], raw[4:-4])

    def _send(self, kind: int, ack_seq: int, payload: bytes):
        os.write(self.fd, frame(kind, ack_seq, payload))

    def _answer(self, kind: int, seq: int, payload: bytes):
        if kind == BATCH:
            self.held = 0  # what is in it does not matter here: it is heard again in the hello
            return
        asked = fields(payload)
        if kind == HELLO:
            self.epoch, self.held = asked[2], asked.get(4, 0)
            self._send(WELCOME, seq, message((1, (asked[3],)), (2, 1), (3, b"gw-script"), (4, (self.epoch,)),
                                             (5, self.held)))
        elif kind == TIME:
            now = int(time.time() * 1e6)  # nobody believes it: no wall_trust
            self._send(TIME_ANSWER, seq, message((1, asked.get(1, 0)), (2, now), (3, now)))
        elif kind == UPDATE:
            self._send_block(seq, asked.get(2, 0), asked[3])
        else:
            if kind == RESULT:
                code = asked.get(2, 0)
                self.results.append(((code >> 1) ^ -(code & 1), asked[3].decode()))
            self._send(ACK, seq, message((1, (self.epoch,)), (2, self.held), (7, self.offer)))

    def _send_block(self, seq: int, offset: int, size: int):
        block = self.serve(offset, self.file[offset:offset + size], self.blocks)
        self.blocks += 1
        if block is not None:
            self._send(BLOCK, seq, message((1, block[0]), (2, block[1])))
