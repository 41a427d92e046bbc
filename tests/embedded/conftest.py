"""The real model, loaded once and shared by all tests that need it."""

from collections.abc import Generator
from importlib.util import find_spec

import pytest

from ollama_rx.embedded import find_weights
from ollama_rx.embedded.model_cache import LoadedModel, acquire_model, release_model
from tests.embedded.asking import Model


@pytest.fixture(scope="session")
def loaded_model() -> Generator[LoadedModel]:
    if find_spec("xllamacpp") is None:
        pytest.skip("the extra `embedded` is not installed")
    weights = find_weights()
    if weights is None:
        pytest.skip("no weights: run `ollama-rx embedded`")
    shared = acquire_model(weights)
    yield shared
    release_model(shared)


@pytest.fixture
def model(loaded_model: LoadedModel) -> Model:
    return Model(loaded_model.path)
