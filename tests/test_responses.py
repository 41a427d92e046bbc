"""Responses of the endpoints that do not stream; absent fields read as empty."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ollama_rx.errors import BadJsonError
from ollama_rx.responses import (
    Embeddings,
    Model,
    ModelInfo,
    RunningModel,
    embeddings_of,
    models_of,
    running_of,
)
from ollama_rx.stats import Metrics

DETAILS = {"family": "llama", "parameter_size": "135M"}


def test_embeddings_are_one_vector_for_each_input() -> None:
    raw = {"model": "m", "embeddings": [[1.0, 0.0], [0.0, 1.0]], "total_duration": 10**9, "new": 1}
    found = Embeddings.of(raw)
    assert (found.model, found.vectors, found.metrics.total_duration) == ("m", [[1.0, 0.0], [0.0, 1.0]], 1.0)
    assert found.raw is raw


@pytest.mark.parametrize(("raw", "texts"), [({"embeddings": []}, 1), ({"embeddings": [[1.0]]}, 2), ({}, 1)])
def test_fewer_vectors_than_texts_are_an_error(raw: dict[str, Any], texts: int) -> None:
    with pytest.raises(BadJsonError, match=f"vectors, not {texts}; is a text empty"):
        embeddings_of(raw, texts)


def test_embeddings_of_no_input_have_no_vectors() -> None:
    assert Embeddings.of({"model": "m", "embeddings": []}) == Embeddings("m", [], Metrics(), {})


def test_models_on_disk_are_listed() -> None:
    item = {
        "name": "smollm2:135m",
        "size": 270898672,
        "digest": "9077fe9d2ae1",
        "modified_at": "2025-06-09T17:58:55.337823123+02:00",
        "details": DETAILS,
    }
    [found] = models_of({"models": [item, "not an object"]})
    assert (found.name, found.size, found.digest, found.details) == (
        "smollm2:135m",
        270898672,
        "9077fe9d2ae1",
        DETAILS,
    )
    assert found.modified_at == datetime(2025, 6, 9, 15, 58, 55, 337823, UTC)
    assert found.raw is item


def test_running_models_are_read_with_their_size_in_vram_and_expiry() -> None:
    item = {
        "model": "m",
        "size": 10,
        "size_vram": 4,
        "expires_at": "2025-06-09T17:58:55Z",
        "context_length": 4096,
    }
    [found] = running_of({"models": [item]})
    assert (found.name, found.size, found.size_vram, found.context_length) == ("m", 10, 4, 4096)
    assert found.expires_at == datetime(2025, 6, 9, 17, 58, 55, 0, UTC)
    assert found.raw is item


def test_a_model_that_is_never_unloaded_has_no_expiry() -> None:
    for stamp in ("2318-03-20T17:45:42.663463Z", "12318-03-20T17:45:42Z"):
        assert RunningModel.of({"name": "m", "expires_at": stamp}).expires_at is None


def test_the_details_of_a_model_are_read() -> None:
    raw = {
        "capabilities": ["completion", "tools"],
        "template": "{{ .Prompt }}",
        "system": "Be brief.",
        "parameters": "stop x",
        "details": DETAILS,
        "model_info": {"general.architecture": "llama"},
    }
    found = ModelInfo.of(raw)
    assert found == ModelInfo(
        ("completion", "tools"),
        "{{ .Prompt }}",
        "Be brief.",
        "stop x",
        DETAILS,
        {"general.architecture": "llama"},
        raw,
    )
    assert found.raw is raw


def test_absent_fields_are_empty() -> None:
    assert models_of({}) == ()
    assert running_of({"models": None}) == ()
    assert Model.of({}) == Model("", 0, "", None, {}, {})
    assert RunningModel.of({}) == RunningModel("", 0, 0, None, None, {})
    assert ModelInfo.of({}) == ModelInfo((), "", "", "", {}, {}, {})


def test_the_raw_object_does_not_fill_the_repr() -> None:
    assert "secret" not in repr(ModelInfo.of({"license": "secret"}))
