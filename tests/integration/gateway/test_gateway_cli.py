"""Arguments, configuration and the simulated reader of ecm-gateway."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from house import BIN, Output, free_port  # noqa: E402

SOURCE = pathlib.Path(os.environ["ECM_SOURCE"])


def run(*arguments, **kept):
    return subprocess.run([str(BIN / "ecm-gateway"), *map(str, arguments)], capture_output=True,
                          text=True, check=False, timeout=60, **kept)


def test_help_and_version_explain_themselves():
    assert run("--help").returncode == 0
    assert run("--version").stdout.startswith("ecm-gateway ")


def test_bad_arguments_are_exit_2():
    assert run("--nonsense").returncode == 2
    assert run("file-without-option").returncode == 2


def test_the_sample_configuration_is_good():
    assert run("-n", "-c", SOURCE / "gateway/ecm-gateway.conf").returncode == 0


def test_what_is_printed_is_read_back_the_same(tmp_path):
    printed = run("-p", "-c", SOURCE / "gateway/ecm-gateway.conf")
    assert printed.returncode == 0
    (tmp_path / "copy.conf").write_text(printed.stdout)
    assert run("-p", "-c", tmp_path / "copy.conf").stdout == printed.stdout


def test_every_mistake_of_a_file_is_told_with_its_line(tmp_path):
    conf = tmp_path / "bad.conf"
    conf.write_text("[reader]\ntype = telepathy\nfrobnicate = 1\n[mqtt]\nport = 99999\n")
    told = run("-n", "-c", conf)
    assert told.returncode == 2
    assert f"{conf}:2: " in told.stderr
    assert f"{conf}:3: " in told.stderr
    assert f"{conf}:5: " in told.stderr


def test_what_no_single_line_can_say_is_checked(tmp_path):
    conf = tmp_path / "bad.conf"
    conf.write_text("[gateway]\nsite = a/b\n[mqtt]\ncert_file = x\n[feedback]\ntype = gpio\n")
    told = run("-n", "-c", conf)
    assert told.returncode == 2
    for key in ("gateway.site", "mqtt.cert_file", "feedback.red"):
        assert key in told.stderr


def test_a_missing_file_is_exit_2(tmp_path):
    told = run("-n", "-c", tmp_path / "none.conf")
    assert told.returncode == 2
    assert "none.conf" in told.stderr


def test_without_configuration_a_typed_number_is_a_tap(tmp_path):
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    environment.pop("STATE_DIRECTORY", None)
    gateway = subprocess.Popen([str(BIN / "ecm-gateway")], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               env=environment)
    shown = Output(gateway.stdout)
    shown.expect("Simulated reader")
    shown.expect("ready")
    for line, answer in (("7", "arrival stored"), ("what?", "no tag number"),
                         ("04A1B2C3D4E5F6", "arrival stored"), ("help", "call for help stored"),
                         ("open", "case opened"), ("close", "case opened or closed")):
        gateway.stdin.write(line + "\n")
        gateway.stdin.flush()
        shown.expect(answer)
    gateway.terminate()
    assert gateway.wait(20) == 0
    box = tmp_path / "ecm-gateway/outbox.db"
    assert box.exists()
    assert box.stat().st_mode & 0o077 == 0


def test_a_state_folder_that_cannot_be_made_is_exit_1(tmp_path):
    (tmp_path / "file").write_text("")
    conf = tmp_path / "gateway.conf"
    conf.write_text(f"[gateway]\nstate_dir = {tmp_path}/file/state\n[mqtt]\nport = {free_port()}\n")
    told = run("-c", conf, stdin=subprocess.DEVNULL)
    assert told.returncode == 1
    assert "cannot create folder" in told.stderr
