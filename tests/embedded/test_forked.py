"""A process forked from one that has loaded a model is told so: the threads that compute stayed behind."""

import os
import subprocess
import sys

import pytest

from ollama_rx.embedded.residence import Residence
from ollama_rx.errors import EmbeddedModelError
from tests.embedded.test_residence import PATH, Loader, staying

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

PROGRAM = """
import os
from ollama_rx import Client, EmbeddedModelError
from ollama_rx.embedded import embedded

with Client(transport=embedded()) as client:
    client.load().run()
    child = os.fork()
    if child == 0:
        try:
            client.generate("Hi").run()
        except EmbeddedModelError as error:
            print(error, flush=True)
        client.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    print(client.generate("Hi", options={"num_predict": 1}).run().done_reason)
"""


def test_a_forked_process_is_refused_and_frees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = Loader()
    residence = Residence(PATH, loader)
    residence.enter(staying)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(EmbeddedModelError, match="before this process was forked"):
        residence.enter(staying)
    residence.leave(0)
    residence.unload()
    assert not loader.engines[0].closed.is_set()
    assert residence.loaded


def test_what_is_loaded_after_the_fork_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    residence = Residence(PATH, Loader())
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert residence.enter(staying) is residence.enter(staying)
    residence.leave(None)
    residence.leave(None)
    residence.unload()
    assert not residence.loaded


@pytest.mark.embedded
@pytest.mark.usefixtures("residence")
def test_a_real_fork_does_not_hang() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30, check=True
    )
    refused, answered = done.stdout.splitlines()
    assert "before this process was forked" in refused
    assert answered == "length"
