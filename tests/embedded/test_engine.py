"""The engine renders templates, tokenizes and computes with llama.cpp."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from ollama_rx.embedded import engine as engine_module
from ollama_rx.embedded.api_error import ApiError
from ollama_rx.embedded.engine import Engine
from ollama_rx.embedded.model_cache import LoadedModel

pytestmark = pytest.mark.embedded


@pytest.fixture
def engine(loaded_model: LoadedModel) -> Engine:
    found = loaded_model.acquire_slot(lambda: False)
    loaded_model.release_slot(None)
    assert found is not None
    return found


def test_messages_are_rendered_with_the_template_of_the_model(engine: Engine) -> None:
    prompt = engine.render([{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}])
    assert prompt == (
        "<|im_start|>system\nBe brief<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_an_unfinished_answer_is_continued(engine: Engine) -> None:
    prompt = engine.render([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hel"}])
    assert prompt.endswith("<|im_start|>assistant\nHel")


def test_special_tokens_are_recognised_only_on_request(engine: Engine) -> None:
    assert len(engine.tokenize("<|im_end|>", start=True, special=True)) == 1
    assert len(engine.tokenize("<|im_end|>", start=False, special=False)) > 1


def test_messages_that_the_template_rejects_are_an_error(engine: Engine) -> None:
    with pytest.raises(ApiError) as caught:
        engine.render([{"role": "user", "content": 7}])
    assert caught.value.status >= 400
    assert caught.value.text


def test_an_exception_of_a_callback_stops_the_computation_and_is_raised(engine: Engine) -> None:
    calls: list[object] = []

    def fail(event: object) -> bool:
        calls.append(event)
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        engine.complete({"prompt": [1, 2, 3], "max_tokens": 50}, fail)
    assert len(calls) == 1


@pytest.mark.parametrize("page", ["ui", "webui"])
def test_a_loaded_model_has_answered_once_so_that_closing_it_cannot_hang(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered: list[object] = []

    class Server:
        listening_address = "http://127.0.0.1:1"

        def __init__(self, parameters: SimpleNamespace) -> None:
            assert getattr(parameters, page) is False
            assert parameters.model.path == "tiny.gguf"

        def handle_completions(self, request: dict[str, object], _: object) -> None:
            answered.append(request["max_tokens"])

    def parameters() -> SimpleNamespace:
        pools = {name: SimpleNamespace() for name in ("model", "cpuparams", "cpuparams_batch")}
        return SimpleNamespace(**pools, **{page: True})

    def load(_: str) -> SimpleNamespace:
        return SimpleNamespace(Server=Server, CommonParams=parameters)

    monkeypatch.setattr(engine_module, "find_spec", str)
    monkeypatch.setattr(engine_module, "import_module", load)
    Engine(Path("tiny.gguf"))
    assert answered == [0]
