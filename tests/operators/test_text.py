"""Only text crosses from chunks to text."""

from ollama_rx import Chunk
from ollama_rx.operators import text
from tests.operators.text_pieces import run


def test_text_of_generate_and_chat_crosses_and_empty_text_is_dropped() -> None:
    chunks = [
        Chunk({"response": "Hel"}),
        Chunk({"response": ""}),
        Chunk({"message": {"content": "lo"}}),
        Chunk({"message": {"content": "", "thinking": "Hm"}}),
        Chunk({"response": "!", "done": True}),
    ]
    assert run(text(), chunks) == ["Hel", "lo", "!"]
