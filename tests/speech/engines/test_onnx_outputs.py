"""Adding an output to an ONNX model by appending bytes."""

import pytest

from ollama_rx.speech.engines.onnx_outputs import append_output

# A model whose only node computes "/Ceil_output_0": graph (7) > node (1) > output (2).
MODEL = b"\x3a\x12" + b"\x0a\x10" + b"\x12\x0e/Ceil_output_0"


def test_a_tensor_that_the_model_computes_becomes_an_output() -> None:
    output = b"\x3a\x12" + b"\x62\x10" + b"\x0a\x0e/Ceil_output_0"  # graph (7) > output (12) > name (1)
    assert append_output(MODEL, "/Ceil_output_0") == MODEL + output


@pytest.mark.parametrize("tensor", ["/Clip_output_0", "/Ceil_output_", "Ceil_output_0"])
def test_a_model_that_does_not_compute_the_tensor_stays_as_it_is(tensor: str) -> None:
    assert append_output(MODEL, tensor) == MODEL


def test_lengths_above_127_take_two_bytes() -> None:
    name = b"n" * 200
    model = b"\x12\xc8\x01" + name
    assert (
        append_output(model, name.decode())
        == model + b"\x3a\xce\x01" + b"\x62\xcb\x01" + b"\x0a\xc8\x01" + name
    )
