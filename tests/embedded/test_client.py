"""A client with the embedded transport is like any other client."""

import asyncio

import pytest
from reactivex import Observable
from reactivex import operators as ops

from ollama_rx import operators as op
from ollama_rx.chunks import ContextBox
from ollama_rx.client import Client
from ollama_rx.embedded import embedded
from ollama_rx.errors import ModelNotFoundError
from ollama_rx.operators import capture_context
from tests.embedded.asking import Model

pytestmark = pytest.mark.embedded
SHORT = {"num_predict": 5, "seed": 1}
COUNT = "1, 2, 3, 4,"  # a raw prompt that no model ends early


@pytest.mark.usefixtures("no_thread_left")
def test_a_client_without_a_model_name_asks_the_model_there_is(model: Model) -> None:
    with Client(transport=embedded(model.weights)) as client:
        chunks = client.generate(COUNT, raw=True, options=SHORT).pipe(ops.to_list()).run()
        chat = client.chat([{"role": "user", "content": "Count to ten"}], options=SHORT)
        assert {chunk.model for chunk in chunks} == {"smollm2:135m-instruct-q4_1"}
        assert [chunk.done for chunk in chunks] == [False] * 5 + [True]
        assert chat.pipe(op.text(), ops.to_list()).run()


def test_a_context_box_carries_the_conversation_on(model: Model) -> None:
    box = ContextBox()
    with Client(transport=embedded(model.weights)) as client:
        sizes: list[int] = []
        for prompt in ("My name is Bob", "What is my name?"):
            client.generate(prompt, context=box, options=SHORT).pipe(capture_context(box)).run()
            sizes.append(len(box.value or ()))
    assert 0 < sizes[0] < sizes[1]


def test_generations_can_start_others_and_are_cut_by_an_operator(model: Model) -> None:
    with Client(transport=embedded(model.weights)) as client:

        def count(text: str) -> Observable[str]:
            endless = client.generate(COUNT + text, raw=True, options={"num_predict": 2000})
            return endless.pipe(op.text(), ops.take(3))

        assert len(count("").pipe(ops.flat_map(count), ops.to_list()).run()) == 9


def test_it_works_in_asyncio(model: Model) -> None:
    async def talk() -> list[str]:
        async with Client(transport=embedded(model.weights)) as client:
            return await client.generate(COUNT, raw=True, options=SHORT).pipe(op.text(), ops.to_list())

    assert len(asyncio.run(talk())) == 5


def test_names_can_matter(model: Model) -> None:
    with (
        Client(model="llama3.2", transport=embedded(model.weights, any_name=False)) as client,
        pytest.raises(ModelNotFoundError),
    ):
        client.generate("Hi").run()
