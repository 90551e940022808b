"""Broker gone, certificate wrong, disk full, reader absent: one line each, no tap lost."""
import pathlib
import resource
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from house import Broker, Collector, Home, free_port, wait_until  # noqa: E402
from certs import Authority  # noqa: E402

UID = "04A1B2C3D4E5F6"


def tag(number):
    return f"04{number:012X}"


def test_taps_without_a_broker_arrive_when_it_comes(tmp_path):
    broker = Broker(tmp_path)
    home = Home(tmp_path, broker.port).start()
    home.log.expect("event=broker-down")
    last = [home.tap(tag(n)) for n in range(5)][-1]
    wait_until(lambda: home.log.count("no connection") >= 4, "four attempts to connect")
    assert home.log.count("event=broker-down") == 1
    with broker:
        collector = Collector(tmp_path, broker.port).start()
        home.log.expect("event=broker-down state=ended")
        collector.wait_for(last)
        collector.kill()
        home.stop()
    assert home.outbox()[2] == 5


def test_a_broker_killed_again_and_again_loses_nothing(tmp_path):
    broker = Broker(tmp_path).start()
    collector = Collector(tmp_path, broker.port).start()
    home = Home(tmp_path, broker.port).start()
    last = 0
    for number in range(6):
        last = home.tap(tag(number))
        broker.kill()
        last = home.tap(tag(100 + number))
        broker.start()
    collector.wait_for(last)
    home.stop()
    assert home.outbox()[2] == 12
    assert collector.through() >= last
    collector.kill()
    broker.stop()


def test_a_collector_killed_again_and_again_loses_nothing(tmp_path):
    with Broker(tmp_path) as broker:
        collector = Collector(tmp_path, broker.port)
        home = Home(tmp_path, broker.port).start()
        last = 0
        for number in range(5):
            last = home.tap(tag(number))
            collector.start()
            collector.wait_for(last)
            collector.kill()
        home.stop()
        assert home.outbox()[2] == 5
        assert collector.through() >= last


def tls_broker(folder, authority):
    cert, key = authority.issue("localhost")
    return Broker(folder, extra=f"cafile {authority.cert}\ncertfile {cert}\nkeyfile {key}\n")


def test_a_broker_with_the_wrong_certificate_is_one_line_and_no_lost_tap(tmp_path):
    right, wrong = Authority(tmp_path, "right"), Authority(tmp_path, "wrong")
    with tls_broker(tmp_path, right) as broker:
        home = Home(tmp_path, broker.port, **{"mqtt.ca_file": wrong.cert,
                                              "mqtt.host": "localhost"}).start()
        home.log.expect("event=broker-down")
        home.tap(UID)
        wait_until(lambda: home.log.count("no connection") >= 3, "three attempts")
        assert home.log.count("event=broker-down") == 1
        home.kill()
        home.settings["mqtt.ca_file"] = right.cert
        home.start()
        seq = home.tap(tag(7))
        wait_until(lambda: home.log.count("broker-down") == 0, "no trouble")
        home.stop()
    assert home.outbox()[2] == 2
    assert seq > 1


def test_a_certificate_file_that_is_missing_is_one_line_and_no_lost_tap(tmp_path):
    home = Home(tmp_path, free_port(), **{"mqtt.ca_file": tmp_path / "none.crt"}).start()
    assert "none.crt" in home.log.expect("event=broker-down")
    home.tap(UID)
    home.stop()
    assert home.outbox()[2] == 1
    assert home.log.count("event=broker-down") == 1


def test_a_disk_that_takes_no_more_is_red_and_one_line_until_it_does(tmp_path):
    home = Home(tmp_path, free_port()).start()
    home.tap(UID)
    pid = home.gateway.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    home.tap(tag(1), "NOT stored")
    home.tap(tag(2), "NOT stored")
    assert home.log.count("event=outbox-refuses") == 1
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    home.tap(tag(3))
    assert home.log.count("event=outbox-refuses state=ended") == 1
    assert home.stop() == 0
    assert home.outbox()[2] == 2


def test_a_reader_that_is_not_there_is_one_line_and_found_when_it_comes(tmp_path):
    home = Home(tmp_path, free_port())
    home.start_emulator(["--reset-file", home.reset])
    tty = home.settings["reader.device"]
    link = tmp_path / "ttyLater"
    home.settings["reader.device"] = link
    home.start(ready=False)
    assert "ttyLater" in home.log.expect("event=reader-down")
    time.sleep(1.5)  # at least one more attempt
    assert home.log.count("reader-down") == 1
    link.symlink_to(tty)
    home.log.expect("event=reader-down state=ended")
    home.tap(UID)
    home.stop()
    assert home.outbox()[2] == 1


def test_a_reader_that_dies_is_one_line_and_no_busy_loop(tmp_path):
    home = Home(tmp_path, free_port(), reset=False).start()
    home.do("fault hang")
    home.log.expect("event=reader-down")
    before = cpu_s(home.gateway.pid)
    time.sleep(3)
    assert cpu_s(home.gateway.pid) - before < 1.0
    assert home.log.count("reader-down") == 1
    home.do("reset")
    home.log.expect("event=reader-down state=ended")
    home.tap(UID)
    home.stop()


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_a_damaged_outbox_is_set_aside_and_the_day_goes_on(tmp_path):
    home = Home(tmp_path, free_port()).start()
    home.tap(UID)
    home.stop()
    with open(home.state / "outbox.db", "r+b") as box:
        box.write(b"\xff" * 200)
    home.start()
    home.log.expect("event=outbox-renewed")
    home.tap(UID)
    home.stop()
    assert home.outbox()[2] == 1
    assert len(list(home.state.glob("outbox.db.bad.*"))) >= 1


def test_two_gateways_on_one_outbox_are_refused(tmp_path):
    home = Home(tmp_path, free_port()).start()
    second = home._run([home.gateway.args[0], "-c", home.conf])
    _, said = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "another process" in said
    home.stop()

