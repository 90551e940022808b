"""What the tests of the emulated tag reader share."""
import os
import pathlib
import subprocess

import pytest
from pico import SOURCE, Images


@pytest.fixture(scope="session")
def images(tmp_path_factory) -> Images:
    """The firmware as tools/pico/build makes it; ECM_PICO_BUILD names another build folder."""
    if "ECM_PICO_BUILD" not in os.environ:
        subprocess.run([SOURCE / "tools" / "pico" / "build"], check=True, stdout=subprocess.DEVNULL)
    return Images(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def pico_log() -> pathlib.Path:
    return pathlib.Path(os.environ["ECM_TEST_BIN"]) / "pico-log"


@pytest.fixture
def say(capsys):
    """Print a figure even when the test passes."""
    def print_line(text: str):
        with capsys.disabled():
            print(f"\npico: {text}", end="")
    return print_line
