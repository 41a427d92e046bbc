"""`markdown_blocks` emits each block once when it is complete, and the open one at intervals."""

from typing import Any

import pytest

from ollama_rx import Block
from ollama_rx.block_splitter import BlockSplitter
from ollama_rx.operators import markdown_blocks
from ollama_rx.operators._markdown_blocks import _MarkdownBlocks
from ollama_rx.rx import Emitter
from ollama_rx.testing import check, check_any_cutting
from tests.operators.text_pieces import run

ANSWER = """\
# Café 日本 👩\u200d👩\u200d👧

Some *text*, over
two lines:
- one

  more
- two

1. other list
   ```python
   x = 1

   y = 2
   ```

| a | b |
|---|---|
| 1 | 2 |

> quote
lazy

    code

    code
***
<div>
*html*
</div>

Title
===
The end."""

BLOCKS = [
    "# Café 日本 👩\u200d👩\u200d👧\n",
    "\nSome *text*, over\ntwo lines:\n",
    "- one\n\n  more\n- two\n\n",
    "1. other list\n   ```python\n   x = 1\n\n   y = 2\n   ```\n\n",
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n",
    "> quote\nlazy\n\n",
    "    code\n\n    code\n",
    "***\n",
    "<div>\n*html*\n</div>\n\n",
    "Title\n===\n",
    "The end.",
]


def complete(number: int, text: str) -> Block:
    return Block(number, text, complete=True)


def growing(number: int, text: str) -> Block:
    return Block(number, text, complete=False)


def test_complete_blocks_come_at_once_and_the_open_one_once_an_interval() -> None:
    check(
        markdown_blocks(every=3),
        source="-a-bc---d-e--|",
        expect="-x-y--z--tu-v(w|)",
        a="# Hi\n",
        b="How ",
        c="are ",
        d="you?",
        e="\n\nBye",
        x=complete(0, "# Hi\n"),
        y=growing(1, "How "),
        z=growing(1, "How are "),
        t=growing(1, "How are you?"),
        u=complete(1, "How are you?\n\n"),
        v=growing(2, "Bye"),
        w=complete(2, "Bye"),
    )


def test_a_block_that_does_not_change_is_not_emitted_again() -> None:
    check(
        markdown_blocks(every=2),
        source="-a-------b-|",
        expect="-x-------y-(z|)",
        a="Hel",
        b="lo",
        x=growing(0, "Hel"),
        y=growing(0, "Hello"),
        z=complete(0, "Hello"),
    )


def test_a_block_that_becomes_complete_in_an_interval_is_not_emitted_again_at_its_end() -> None:
    check(
        markdown_blocks(every=4),
        source="-a-b-------|",
        expect="-x-y-------|",
        a="Hel",
        b="lo\n\n",
        x=growing(0, "Hel"),
        y=complete(0, "Hello\n\n"),
    )


def test_white_space_alone_is_no_block() -> None:
    check(markdown_blocks(), source="-a-b-|", expect="-----|", a="\n", b="  \n")


def test_white_space_before_a_block_is_not_read_again_with_each_piece() -> None:
    class Splitter(BlockSplitter):
        reads = 0

        @property
        def open_text(self) -> str:
            self.reads += 1
            return super().open_text

    machine = _MarkdownBlocks(Emitter[Block](list[Block]().append), every=1)
    machine._splitter = splitter = Splitter()
    for piece in (" ", "\n", "", "a"):
        machine.feed(piece)
    assert splitter.reads == 1


def test_without_an_interval_only_complete_blocks_are_emitted() -> None:
    assert run(markdown_blocks(every=None), ["Hel", "lo\n", "\nBye"]) == [
        complete(0, "Hello\n\n"),
        complete(1, "Bye"),
    ]


def test_an_error_drops_the_open_block() -> None:
    check(markdown_blocks(every=None), source="-a-#", expect="-x-#", a="# Hi\nBye", x=complete(0, "# Hi\n"))


def test_cancel_reaches_the_source_and_stops_the_timer() -> None:
    check(
        markdown_blocks(every=3),
        source="-ab-----|",
        expect="-x-!",
        life="^--!",
        a="Hel",
        b="lo",
        x=growing(0, "Hel"),
    )


def test_an_answer_is_cut_into_the_same_blocks_however_it_arrives() -> None:
    blocks = check_any_cutting(markdown_blocks(every=None), ANSWER)
    assert blocks == [complete(*block) for block in enumerate(BLOCKS)]


@pytest.mark.parametrize(
    ("every", "error"), [(0, ValueError), (-1.0, ValueError), ("1", TypeError), (True, TypeError)]
)
def test_wrong_seconds_are_refused(every: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^every: expected a number of seconds above 0, got"):
        markdown_blocks(every=every)
