"""Only thinking crosses from chunks to thinking."""

from ollama_rx import Chunk
from ollama_rx.operators import thinking
from tests.operators.text_pieces import run


def test_thinking_of_generate_and_chat_crosses_and_empty_thinking_is_dropped() -> None:
    chunks = [
        Chunk({"response": "", "thinking": "Hm"}),
        Chunk({"response": "Yes"}),
        Chunk({"message": {"content": "x", "thinking": "."}}),
        Chunk({"response": "", "done": True}),
    ]
    assert run(thinking(), chunks) == ["Hm", "."]
