"""`thinking` emits the thinking of chunks and nothing else."""

from ollama_rx import Chunk
from ollama_rx.operators import thinking
from ollama_rx.testing import check
from tests.operators.text_pieces import run

HM, EMPTY, DOT = (Chunk({"response": "", "thinking": piece}) for piece in ("Hm", "", "."))


def test_chunks_become_their_thinking_and_chunks_without_thinking_are_dropped() -> None:
    check(thinking(), source="-a--b--c-|", expect="-x-----y-|", a=HM, b=EMPTY, c=DOT, x="Hm", y=".")


def test_an_error_passes() -> None:
    check(thinking(), source="-a-#", expect="-x-#", a=HM, x="Hm", life="^--!")


def test_cancel_reaches_the_source() -> None:
    check(thinking(), source="-a--c-|", expect="-x!", a=HM, c=DOT, x="Hm", life="^-!")


def test_thinking_is_found_in_generate_and_chat_chunks_and_text_is_left_out() -> None:
    chunks = [
        Chunk({"response": "", "thinking": "Hm"}),
        Chunk({"response": "Yes"}),
        Chunk({"message": {"content": "x", "thinking": "."}}),
        Chunk({"response": "", "done": True}),
    ]
    assert run(thinking(), chunks) == ["Hm", "."]
