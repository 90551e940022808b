"""The broker configuration in docs/examples lets a device be itself, and nobody else."""
import os
import pathlib
import ssl
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "lib"))
from broker import Broker  # noqa: E402
from certs import Authority  # noqa: E402
from mqtt_client import Client  # noqa: E402

EXAMPLES = pathlib.Path(os.environ["ECM_SOURCE"]) / "docs" / "examples"
NAMES = ["gw-1", "gw-2", "collector", "monitor"]


def rewritten(name: str, folder: pathlib.Path) -> str:
    """An example with its folder put in place of the one it names, as an engineer would."""
    return (EXAMPLES / name).read_text().replace("/etc/ecm/broker", str(folder)).replace("SITE", "s1")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    authority = Authority(folder)
    for name in ["broker", *NAMES]:
        authority.issue(name)
    (folder / "mosquitto.acl").write_text(rewritten("mosquitto.acl", folder))
    broker = Broker(folder, anonymous=False)
    broker.config.write_text(rewritten("mosquitto.conf", folder).replace(
        "listener 8883", f"listener {broker.port} 127.0.0.1"))
    broker.start()
    yield broker, folder
    broker.stop()


@pytest.fixture
def connect(site):
    broker, folder = site
    clients = []

    def connect_as(name: str) -> Client:
        context = ssl.create_default_context(cafile=folder / "ca.crt")
        context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
        clients.append(Client(broker.port, context, f"{name}-{len(clients)}"))
        return clients[-1]

    yield connect_as
    for client in clients:
        client.close()


def delivered(sender: Client, receiver: Client, topic: str, pattern: str) -> bool:
    """Whether what sender publishes on topic reaches receiver, who asked for pattern."""
    receiver.subscribe(pattern)
    sender.publish(topic, b"x")
    sender.ping()
    return (topic, b"x") in receiver.ping()


@pytest.mark.parametrize("kind", ["up", "state", "cmd/result"])
def test_the_collector_hears_what_a_device_says(connect, kind):
    assert delivered(connect("gw-1"), connect("collector"), f"ecm/v1/s1/gw-1/{kind}",
                     f"ecm/v1/s1/+/{kind}")


@pytest.mark.parametrize("kind", ["ack", "cmd"])
def test_a_device_hears_what_the_collector_tells_it(connect, kind):
    topic = f"ecm/v1/s1/gw-1/{kind}"
    assert delivered(connect("collector"), connect("gw-1"), topic, topic)


@pytest.mark.parametrize("kind", ["up", "state", "cmd/result"])
def test_a_device_cannot_speak_as_another(connect, kind):
    assert not delivered(connect("gw-2"), connect("collector"), f"ecm/v1/s1/gw-1/{kind}",
                         f"ecm/v1/s1/+/{kind}")


@pytest.mark.parametrize("kind", ["ack", "cmd"])
def test_a_device_cannot_listen_for_another(connect, kind):
    topic = f"ecm/v1/s1/gw-1/{kind}"
    assert not delivered(connect("collector"), connect("gw-2"), topic, topic)
    assert not delivered(connect("collector"), connect("gw-2"), topic, "#")


def test_a_device_cannot_acknowledge_or_command(connect):
    for kind in ("ack", "cmd"):
        topic = f"ecm/v1/s1/gw-1/{kind}"
        assert not delivered(connect("gw-1"), connect("gw-1"), topic, topic)


def test_a_monitor_sees_states_and_alerts_and_no_taps(connect):
    monitor = connect("monitor")
    assert delivered(connect("gw-1"), monitor, "ecm/v1/s1/gw-1/state", "ecm/v1/s1/+/state")
    assert delivered(connect("collector"), monitor, "ecm/v1/s1/alert", "ecm/v1/s1/alert")
    assert not delivered(connect("gw-1"), monitor, "ecm/v1/s1/gw-1/up", "ecm/v1/s1/+/up")


def test_nobody_connects_without_a_certificate(site):
    broker, folder = site
    context = ssl.create_default_context(cafile=folder / "ca.crt")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Client(broker.port, context, "gw-1")


def test_a_certificate_of_another_authority_is_refused(site, tmp_path):
    broker, folder = site
    stranger = Authority(tmp_path, "stranger")
    cert, key = stranger.issue("gw-1")
    context = ssl.create_default_context(cafile=folder / "ca.crt")
    context.load_cert_chain(cert, key)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Client(broker.port, context, "gw-1")
