"""Names of models, as Ollama reads them."""

import pytest

from ollama_rx.embedded.same_model import is_same_model


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("m", "m:latest"),
        ("M", "m"),
        ("library/m", "m:latest"),
        ("registry.ollama.ai/library/m:latest", "m"),
        ("a/m:1", "registry.ollama.ai/a/m:1"),
        ("localhost:5000/a/m", "localhost:5000/a/m:latest"),
    ],
)
def test_what_is_usual_may_be_left_out(name: str, other: str) -> None:
    assert is_same_model(name, other)
    assert is_same_model(other, name)


@pytest.mark.parametrize(
    ("name", "other"), [("m", "n"), ("m:1", "m"), ("a/m", "m"), ("", "m"), ("x/a/m", "a/m")]
)
def test_other_names_are_other_models(name: str, other: str) -> None:
    assert not is_same_model(name, other)
