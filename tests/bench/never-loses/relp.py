#!/usr/bin/env python3
"""The RELP side of the benchmark: relp.py publish|watch ...; ledgers as in nl.h.

publish PORT LEDGER COUNT RATE WINDOW   numbered messages; the server's "200" is the promise
watch FILE LEDGER                       each line of FILE as soon as it is there
"""
import os
import socket
import sys
import time


def now_us():
    return time.monotonic_ns() // 1000


def write_down(ledger, *values):
    os.write(ledger, b"%010d %016d %016d\n" % values)


def open_ledger(path):
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


class Session:
    """One RELP connection; what is not answered when it breaks was not promised."""

    def __init__(self, port):
        self.under_way = {}
        while True:
            self.number, self.rest = 1, b""  # the server refuses an "open" that is not number 1
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.send(b"open", b"relp_version=0\nrelp_software=never-loses\ncommands=syslog")
                self.socket.settimeout(5)
                if self.read() and self.answers():
                    self.socket.settimeout(0.001)
                    return
            except OSError:
                pass
            time.sleep(0.02)

    def send(self, command, data):
        number = self.number
        self.number = number % 999999999 + 1
        self.socket.settimeout(5)
        self.socket.sendall(b"%d %s %d %s\n" % (number, command, len(data), data))
        self.socket.settimeout(0.001)
        return number

    def read(self):
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return True
        self.rest += data
        return len(data) > 0

    def answers(self):
        """Numbers that were answered with 200. A frame is: number, "rsp", length, data."""
        found = []
        while True:
            parts = self.rest.split(b" ", 3)
            if len(parts) < 3:
                return found
            length_text = parts[2].split(b"\n")[0]
            if len(parts) == 3 and b"\n" not in parts[2]:
                return found
            head = len(parts[0]) + len(parts[1]) + len(length_text) + 3
            size = head + int(length_text) + 1 if int(length_text) > 0 else head
            if len(self.rest) < size:
                return found
            if parts[1] == b"rsp" and self.rest[head:head + 3] == b"200":
                found.append(int(parts[0]))
            self.rest = self.rest[size:]


def publish(port, path, count, rate, window):
    ledger = open_ledger(path)
    session = Session(port)
    period_us = 1000000 // rate if rate else 0
    start_us, following, last_us = now_us(), 1, 0
    while following <= count or (session.under_way and now_us() < last_us + 5000000):
        try:
            while (following <= count and len(session.under_way) < window
                   and now_us() >= start_us + (following - 1) * period_us):
                number, offered = following, now_us()
                following += 1
                last_us = offered
                text = b"%010d" % number
                mid = session.send(b"syslog", b"<13>Nov 23 00:00:00 bench nl: "
                                   + text + b"." * (120 - len(text)))
                session.under_way[mid] = (number, offered)
            is_open = session.read()
            for mid in session.answers():
                if mid in session.under_way:
                    write_down(ledger, *session.under_way.pop(mid), now_us())
        except OSError:
            is_open = False
        if not is_open:
            behind = now_us()
            session = Session(port)
            start_us += now_us() - behind


def watch(path, ledger_path):
    ledger = open_ledger(ledger_path)
    while not os.path.exists(path):
        time.sleep(0.0005)
    rest = b""
    with open(path, "rb", buffering=0) as file:
        while True:
            data = file.read(65536)
            if not data:
                time.sleep(0.0005)
                continue
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            for line in lines:
                if line[:10].isdigit():
                    write_down(ledger, int(line[:10]), now_us(), 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["publish"]:
        publish(int(sys.argv[2]), sys.argv[3], *(int(x) for x in sys.argv[4:7]))
    elif sys.argv[1:2] == ["watch"]:
        watch(sys.argv[2], sys.argv[3])
    else:
        sys.exit(__doc__)
