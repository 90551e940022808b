"""A TCP proxy between a gateway and its broker, that misbehaves as networks do.

    with Proxy(broker.port) as proxy:   # proxy.port is where the gateway connects
        proxy.swallow()                 # half-open: present connections stay, nothing passes any more
        proxy.delay_s = 0.5             # each piece waits so long
        proxy.cut_after(1000)           # present and next connections break after so many bytes upwards
        proxy.refuse = True             # nobody gets through
"""
import socket
import struct
import threading
import time

PIECE = 4096


class _Pipe:
    def __init__(self, proxy, client, server):
        self.proxy, self.client, self.server = proxy, client, server
        self.is_swallowing = False
        for source, sink, is_up in ((client, server, True), (server, client, False)):
            threading.Thread(target=self._pump, args=(source, sink, is_up), daemon=True).start()

    def _pump(self, source, sink, is_up):
        try:
            while True:
                data = source.recv(PIECE)
                if not data:
                    break
                if self.proxy.delay_s:
                    time.sleep(self.proxy.delay_s)
                if self.is_swallowing:
                    continue
                part = self.proxy.allowed(data) if is_up else data
                sink.sendall(part)
                if len(part) < len(data):
                    self.cut()
                    return
        except OSError:
            pass
        if not self.is_swallowing:
            self.close()

    def cut(self):
        """With a reset, in mid-message, as a router does that forgets a connection."""
        linger = struct.pack("ii", 1, 0)
        for end in (self.client, self.server):
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            except OSError:
                pass
        self.close()
        with self.proxy.lock:
            self.proxy.cuts += 1

    def close(self):
        for end in (self.client, self.server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


class Proxy:
    def __init__(self, target_port: int):
        self.target_port = target_port
        self.delay_s = 0.0
        self.refuse = False
        self.budget = None  # bytes upwards until the next cut
        self.cuts = 0
        self.attempts = []  # when somebody connected
        self.pipes = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        for pipe in self.pipes:
            pipe.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.attempts.append(time.monotonic())
            try:
                if self.refuse:
                    raise OSError("refused")
                server = socket.create_connection(("127.0.0.1", self.target_port), timeout=5)
                server.settimeout(None)
                self.pipes.append(_Pipe(self, client, server))
            except OSError:
                client.close()

    def allowed(self, data: bytes) -> bytes:
        with self.lock:
            if self.budget is None:
                return data
            part = data[:self.budget]
            self.budget = self.budget - len(part) if len(part) == len(data) else None
            return part

    def cut_after(self, size: int):
        with self.lock:
            self.budget = size

    def swallow(self):
        for pipe in self.pipes:
            pipe.is_swallowing = True
