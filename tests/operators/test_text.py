"""`text` emits the text of chunks and nothing else."""

from ollama_rx import Chunk
from ollama_rx.operators import text
from ollama_rx.testing import check
from tests.operators.text_pieces import run

HEL, EMPTY, LO = (Chunk({"response": piece}) for piece in ("Hel", "", "lo"))


def test_chunks_become_their_text_and_chunks_without_text_are_dropped() -> None:
    check(text(), source="-a--b--c-|", expect="-x-----y-|", a=HEL, b=EMPTY, c=LO, x="Hel", y="lo")


def test_an_error_passes() -> None:
    check(text(), source="-a-#", expect="-x-#", a=HEL, x="Hel", life="^--!")


def test_cancel_reaches_the_source() -> None:
    check(text(), source="-a--c-|", expect="-x!", a=HEL, c=LO, x="Hel", life="^-!")


def test_text_is_found_in_generate_and_chat_chunks_and_thinking_is_left_out() -> None:
    chunks = [
        Chunk({"response": "Hel"}),
        Chunk({"response": ""}),
        Chunk({"message": {"content": "lo"}}),
        Chunk({"message": {"content": "", "thinking": "Hm"}}),
        Chunk({"response": "!", "done": True}),
    ]
    assert run(text(), chunks) == ["Hel", "lo", "!"]
