"""The real model for tests that need it: loaded once, shared by all of them."""

from collections.abc import Generator
from importlib.util import find_spec

import pytest

from ollama_rx.embedded import find_weights
from ollama_rx.embedded.residence import Residence, move_in, move_out
from tests.embedded.asking import Model


@pytest.fixture(scope="session")
def residence() -> Generator[Residence]:
    if find_spec("xllamacpp") is None:
        pytest.skip("the extra `embedded` is not installed")
    weights = find_weights()
    if weights is None:
        pytest.skip("no weights: python -m ollama_rx.embedded")
    shared = move_in(weights)
    yield shared
    move_out(shared)


@pytest.fixture
def model(residence: Residence) -> Model:
    return Model(residence.path)
