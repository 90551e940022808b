"""The systems side by side: how each is set up, published to, and read at the end."""
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

from faults import Disk, Process, Trouble, free_port, is_listening, wait_for

HERE = pathlib.Path(__file__).resolve().parent
LINE_SIZE = 64  # nl.h
WINDOW = 100


class Ledger:
    """See nl.h."""

    def __init__(self, path):
        self.path = path

    def count(self):
        return self.path.stat().st_size // LINE_SIZE if self.path.exists() else 0

    def rows(self):
        if not self.path.exists():
            return []
        return [tuple(int(x) for x in line.split()) for line in self.path.read_text().splitlines()]

    def last(self):
        if self.count() == 0:
            return 0
        with open(self.path, "rb") as file:
            file.seek((self.count() - 1) * LINE_SIZE)
            return int(file.read(10))


def mosquitto(name, folder, disk, port, log, *lines):
    conf = folder / f"{name}.conf"
    conf.write_text("\n".join([f"listener {port} 127.0.0.1", "allow_anonymous true",
                               "set_tcp_nodelay true", "user root", "log_type error",
                               "log_type warning", *lines]) + "\n")
    return Process(name, ["mosquitto", "-c", conf], log, lambda: is_listening(port), disk)


class System:
    """
    One system in one phase, from empty disks. processes are in the order of starting; those with a
    disk write to it. can_die names what is killed, in turn. Two disks: "gateway" and "centre".
    """
    name = title = ""
    fault_rate = 400
    phases = ("latency", "sustained", "outage", "kills", "cuts")
    idle_s = 15  # longer than any wait before a reconnect

    def __init__(self, tools, folder):
        self.tools, self.folder = tools, folder
        folder.mkdir(parents=True)
        self.promised = Ledger(folder / "promised")
        self.stored_ledger = Ledger(folder / "stored")
        self.disks = {side: Disk(folder, side) for side in ("gateway", "centre")}
        self.processes = {}
        self.can_die = []
        self.publisher = None
        self.watcher = None
        self.set_up()
        os.sync()  # what was set up is as on a machine that was installed long ago

    def log(self, name):
        return self.folder / f"{name}.log"

    def add(self, process):
        self.processes[process.name] = process

    def set_up(self):
        raise NotImplementedError

    def start(self, count, rate, before_publishing=lambda: None):
        self.count, self.rate = count, rate
        for process in self.processes.values():
            process.start()
            process.wait_up()
        self.start_watching()
        before_publishing()
        self.start_publishing()

    # ---- MQTT peers: the publisher talks to local_port, the watcher to centre_port

    def start_watching(self):
        log = self.log("watch")
        self.watcher = Process("watch", [self.tools / "nl_watch", self.centre_port,
                                         self.stored_ledger.path, "events"], log,
                               lambda: b"ready" in log.read_bytes())
        self.watcher.start()
        self.watcher.wait_up()
        self.wait_linked()

    def wait_linked(self):
        """Until a message goes from end to end, before anything is counted."""

    def start_publishing(self):
        self.publisher = Process("publish", [self.tools / "nl_publish", self.local_port,
                                             self.promised.path, self.count, self.rate, WINDOW],
                                 self.log("publish"), lambda: True)
        self.publisher.start()

    def is_published(self):
        return self.publisher.popen.poll() is not None

    def stored(self):
        return collections.Counter(row[0] for row in self.stored_ledger.rows())

    def stored_count(self):
        return self.stored_ledger.count()

    def stored_times(self):
        times = {}
        for number, when, _ in self.stored_ledger.rows():
            times.setdefault(number, when)
        return times

    def progress(self):
        return self.promised.count()

    def drain(self, limit_s):
        """
        Until all that was promised is there, or nothing moved for idle_s. What is merely stuck is not
        lost: then everything is stopped in good order and started once more.
        """
        if self.is_drained(limit_s):
            return
        processes = list(self.processes.values())
        for process in reversed(processes):
            process.end()
        self.revive(processes)
        self.is_drained(limit_s)

    def is_drained(self, limit_s):
        wanted = {row[0] for row in self.promised.rows()}
        end = time.monotonic() + limit_s
        seen, moved = -1, time.monotonic()
        while time.monotonic() < min(end, moved + self.idle_s):
            count = self.stored_count()
            if count != seen:
                seen, moved = count, time.monotonic()
                if count >= len(wanted) and wanted <= set(self.stored()):
                    return True
            time.sleep(0.1)
        return False

    # ---- faults

    def kill(self, name):
        process = self.processes[name]
        process.kill()
        self.revive([process])

    def cut(self, side):
        disk = self.disks[side]
        victims = [p for p in self.processes.values() if p.disk is disk]
        for process in victims:
            process.note_memory()
            process.stop_still()
        disk.shut_down()
        for process in victims:
            process.kill()
        disk.unmount()
        disk.mount()
        self.revive(victims)

    def revive(self, victims):
        for process in victims:
            process.start()
            process.wait_up()

    def note_memory(self):
        for process in self.processes.values():
            process.note_memory()

    def close(self):
        for process in [self.publisher, self.watcher, *reversed(self.processes.values())]:
            if process is not None:
                process.end()
        for disk in self.disks.values():
            disk.remove()

    def peaks_kb(self):
        return {name: (process.peak_kb, process.dirty_kb)
                for name, process in self.processes.items()}

    def written(self):
        """Bytes each process has had written to disks since it was started."""
        return {name: process.written() for name, process in self.processes.items()}


class Floor(System):
    """What a promise kept at both ends costs at the least; keeps none over a fault."""
    name, title = "floor", "no system: write + fdatasync, mosquitto, write + fdatasync (nl_floor.c)"
    phases = ("latency", "sustained")

    def set_up(self):
        self.centre_port = free_port()
        self.add(mosquitto("broker", self.folder, None, self.centre_port, self.log("broker"),
                           "persistence false"))
        log = self.log("centre")
        self.add(Process("centre", [self.tools / "nl_floor", "store", self.centre_port,
                                    self.disks["centre"].path / "events"], log,
                         lambda: b"ready" in log.read_bytes(), self.disks["centre"]))

    def start_publishing(self):
        gateway = Process("gateway", [self.tools / "nl_floor", "send", self.centre_port,
                                      self.disks["gateway"].path / "events", self.promised.path,
                                      self.count, self.rate], self.log("gateway"), lambda: True,
                          self.disks["gateway"])
        self.add(gateway)
        gateway.start()

    def is_published(self):
        return self.promised.count() >= self.count


class Ours(System):
    """ecm-gateway's daemon -> mosquitto that keeps nothing -> ecm-collector."""
    name, title = "ours", "ecm-gateway, mosquitto (persistence false), ecm-collector"

    def set_up(self):
        port = free_port()
        self.broker_port = port
        self.conf = self.folder / "gateway.conf"
        self.conf.write_text(
            "[gateway]\nsite = bench\ndevice = gw-bench\n"
            f"state_dir = {self.disks['gateway'].path}/state\n[mqtt]\nport = {port}\n")
        collector_log = self.log("centre")
        self.add(mosquitto("broker", self.folder, None, port, self.log("broker"),
                           "persistence false"))
        self.add(Process("centre", [self.tools.parent.parent / "bin/ecm-collector", "--store",
                                    self.disks["centre"].path / "collector.db", "--broker",
                                    f"127.0.0.1:{port}"],
                         collector_log, lambda: self.has_said(collector_log, b"event=started"),
                         self.disks["centre"]))
        self.can_die = ["gateway", "broker", "centre"]
        self.offset = {}
        self.first = None  # event of the gateway that runs

    def has_said(self, log, words):
        """Since this process was started: the log goes on over a restart."""
        count = log.read_bytes().count(words)
        if count > self.offset.get(log, 0):
            self.offset[log] = count
            return True
        return False

    def gateway_command(self):
        # At most one tap is under way, and it may be stored though it was never shown: the one after
        # the last in the ledger or, when this gateway ended before its first light, its first. It is
        # not tapped again.
        last = self.promised.last()
        if self.first is not None:
            self.first = max(self.first + 1, last + 2)
        else:
            self.first = 1
        return [self.tools / "nl_gateway", self.conf, self.promised.path, self.first, self.count,
                self.rate]

    def start_watching(self):
        if self.rate == self.fault_rate:
            return
        log = self.log("watch")
        self.watcher = Process("watch", [self.tools / "nl_watch", self.broker_port,
                                         self.stored_ledger.path, "acks"], log,
                               lambda: b"ready" in log.read_bytes())
        self.watcher.start()
        self.watcher.wait_up()

    def start_publishing(self):
        outbox = self.disks["gateway"].path / "state/outbox.db"
        gateway = Process("gateway", self.gateway_command, self.log("gateway"), outbox.exists,
                          self.disks["gateway"])
        self.add(gateway)
        gateway.start()
        gateway.wait_up()

    def is_published(self):
        return self.promised.last() >= self.count - 1

    def is_owing(self, limit_s):
        """Ask a gateway without taps, by sd_notify(3), what it owes."""
        path = str(self.folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(1)
            gateway = self.processes["gateway"]
            gateway.end()
            gateway.env = {**os.environ, "NOTIFY_SOCKET": path}
            gateway.start()
            end = time.monotonic() + limit_s
            owed = None
            while time.monotonic() < end:
                try:
                    words = notify.recv(4096).decode()
                except TimeoutError:
                    continue
                found = re.search(r"(\d+) taps stored, (\d+) records owed", words)
                owed = int(found.group(2)) if found else owed
                if owed == 0:
                    return False
        return True

    def drain(self, limit_s):
        if self.is_owing(limit_s):
            print(f"  the gateway still owes after {limit_s} s", file=sys.stderr)

    def rows(self):
        """(event, seq, bytes) of every tap in the store; the collector is stopped for it."""
        if not hasattr(self, "_rows"):
            self.processes["gateway"].end()
            self.processes["centre"].end()
            done = subprocess.run([self.tools / "nl_stored",
                                   self.disks["centre"].path / "collector.db"],
                                  check=True, capture_output=True, text=True)
            print(done.stderr, end="", file=sys.stderr)
            self._rows = [tuple(int(x) for x in line.split()) for line in done.stdout.splitlines()]
        return self._rows

    def stored(self):
        return collections.Counter(row[0] for row in self.rows())

    def stored_times(self):
        """Of each event: when an acknowledgement was heard that covers it."""
        rows = sorted(self.rows(), key=lambda row: row[1])
        times, next_row = {}, 0
        for through, when, _ in self.stored_ledger.rows():
            while next_row < len(rows) and rows[next_row][1] <= through:
                times[rows[next_row][0]] = when
                next_row += 1
        return times

    def stored_count(self):
        """Sequence numbers, not events: good enough to see that it moves."""
        return self.stored_ledger.last()


class Bridge(System):
    """mosquitto with a bridge to the centre's mosquitto, as it comes."""
    name, title = "mosquitto", "mosquitto bridge, persistence true, stock settings"
    more = ()

    def set_up(self):
        self.local_port, self.centre_port = free_port(), free_port()
        for disk in self.disks.values():
            (disk.path / "mosquitto").mkdir()
        self.add(mosquitto("centre", self.folder, self.disks["centre"], self.centre_port,
                           self.log("centre"), "persistence true",
                           f"persistence_location {self.disks['centre'].path}/mosquitto/",
                           *self.more))
        self.add(mosquitto("gateway", self.folder, self.disks["gateway"], self.local_port,
                           self.log("gateway"), "persistence true",
                           f"persistence_location {self.disks['gateway'].path}/mosquitto/",
                           *self.more, *self.bridge_lines()))
        self.can_die = ["gateway", "centre"]

    def bridge_lines(self):
        return ["connection centre", f"address 127.0.0.1:{self.centre_port}",
                "topic nl/# out 1", "cleansession false", "restart_timeout 1",
                "bridge_protocol_version mqttv311"]

    def wait_linked(self):
        time.sleep(1)


class BridgeSaving(Bridge):
    """The safest settings mosquitto has."""
    name = "mosquitto-autosave"
    title = "mosquitto bridge, autosave on every change, queue without limit"
    more = ("autosave_on_changes true", "autosave_interval 1", "max_queued_messages 0")


class Rsyslog(System):
    """
    rsyslog that syncs every message to a disk queue, RELP in, RELP to the centre, synced file. One
    message at a time: what is in a window or a batch is lost or repeated as a whole in a fault.
    """
    name = "rsyslog"
    title = "rsyslog disk queue (sync on) + RELP, one at a time, synced file at the centre"
    template = 'template(name="event" type="string" string="%msg:2:121%\\n")\n'

    def set_up(self):
        self.local_port, self.centre_port = free_port(), free_port()
        gateway, centre = (self.disks[side].path for side in ("gateway", "centre"))
        self.file = centre / "events"
        (gateway / "queue").mkdir()
        (centre / "queue").mkdir()
        self.add(self.rsyslogd("centre", centre / "queue", self.centre_port,
            'main_queue(queue.type="Direct")\n' + self.template +
            f'action(type="omfile" file="{self.file}" template="event" sync="on"'
            ' asyncWriting="off" flushOnTXEnd="on" fileCreateMode="0600")\n'))
        self.add(self.rsyslogd("gateway", gateway / "queue", self.local_port,
            'module(load="omrelp")\n'
            'main_queue(queue.type="Disk" queue.filename="main" queue.syncQueueFiles="on"'
            ' queue.checkpointInterval="1" queue.maxDiskSpace="150m" queue.size="1000000"'
            ' queue.dequeueBatchSize="1" queue.timeoutShutdown="100")\n'
            f'action(type="omrelp" target="127.0.0.1" port="{self.centre_port}"'
            ' windowSize="1" action.resumeRetryCount="-1" action.resumeInterval="1")\n'))
        self.can_die = ["gateway", "centre"]

    def rsyslogd(self, name, work, port, rest):
        conf = self.folder / f"{name}.conf"
        conf.write_text(f'global(workDirectory="{work}" maxMessageSize="8k")\n'
                        'module(load="imrelp")\n' + rest +
                        f'input(type="imrelp" address="127.0.0.1" port="{port}")\n')
        return Process(name, ["rsyslogd", "-n", "-iNONE", "-f", conf], self.log(name),
                       lambda: is_listening(port), self.disks[name])

    def start_watching(self):
        if self.rate == self.fault_rate:
            return
        self.watcher = Process("watch", [sys.executable, HERE / "relp.py", "watch", self.file,
                                         self.stored_ledger.path], self.log("watch"),
                               lambda: True)
        self.watcher.start()

    def start_publishing(self):
        self.publisher = Process("publish", [sys.executable, HERE / "relp.py", "publish",
                                             self.local_port, self.promised.path, self.count,
                                             self.rate, WINDOW],
                                 self.log("publish"), lambda: True)
        self.publisher.start()

    def stored(self):
        text = self.file.read_bytes() if self.file.exists() else b""
        # Wherever it stands: a line that a kill tore in two must not hide the one behind it.
        return collections.Counter(int(x) for x in re.findall(rb"(\d{10})\.{110}", text))

    def stored_count(self):
        return self.file.stat().st_size // 121 if self.file.exists() else 0


class NodeRed(BridgeSaving):
    """A Node-RED flow, mqtt in -> mqtt out at QoS 1, between two mosquittos that autosave."""
    name, title = "node-red", "Node-RED mqtt in -> mqtt out, QoS 1, between autosaving mosquittos"
    program = None  # set by run: node-red's red.js

    def bridge_lines(self):
        return []

    def set_up(self):
        super().set_up()
        home = self.disks["gateway"].path / "node-red"
        home.mkdir()
        (home / "settings.js").write_text(
            "module.exports = { uiHost: '127.0.0.1', uiPort: 0, httpAdminRoot: false,\n"
            "  httpNodeRoot: false, disableEditor: true, mqttReconnectTime: 1000,\n"
            "  flowFile: 'flows.json', credentialSecret: false,\n"
            "  logging: { console: { level: 'info' } } };\n")
        (home / "flows.json").write_text(json.dumps(self.flow()))
        log = self.log("node-red")
        self.connected = 0
        self.add(Process("node-red", ["node", self.program, "-u", home, "-s",
                                      home / "settings.js"], log, lambda: self.is_linked(log),
                         self.disks["gateway"]))
        self.can_die = ["gateway", "node-red", "centre"]

    def is_linked(self, log):
        """Both brokers reached since it was started."""
        count = log.read_bytes().count(b"Connected to broker")
        if count >= self.connected + 2:
            self.connected = count
            return True
        return False

    def revive(self, victims):
        log = self.log("node-red")
        self.connected = log.read_bytes().count(b"Connected to broker")
        super().revive(victims)

    def flow(self):
        def broker(name, port):
            return {"id": f"id-{name}", "type": "mqtt-broker", "name": name, "broker": "127.0.0.1",
                    "port": str(port), "clientid": f"node-red-{name}", "autoConnect": True,
                    "usetls": False, "protocolVersion": "4", "keepalive": "60",
                    "cleansession": False, "autoUnsubscribe": False}
        return [{"id": "tab", "type": "tab", "label": "bridge"},
                broker("local", self.local_port), broker("central", self.centre_port),
                {"id": "in", "type": "mqtt in", "z": "tab", "topic": "nl/#", "qos": "1",
                 "datatype": "buffer", "broker": "id-local", "inputs": 0, "wires": [["out"]]},
                {"id": "out", "type": "mqtt out", "z": "tab", "topic": "", "qos": "1",
                 "retain": "false", "broker": "id-central", "wires": []}]


ALL = {system.name: system for system in (Floor, Ours, Bridge, BridgeSaving, Rsyslog, NodeRed)}
