"""Messages become the tokens of the model's own template."""

from collections.abc import Mapping, Sequence

import pytest

from ollama_rx.embedded.prompts import prompt_tokens
from ollama_rx.embedded.refusal import Refusal
from ollama_rx.embedded.requests import Plan, read_generate


class Letters:
    """A tokenizer of one token per character, 0 at the start, with a template of round brackets."""

    greeting = "~"

    def render(self, messages: Sequence[Mapping[str, object]]) -> str:
        turns = [f"({message['content']})" for message in messages]
        return self.greeting + "".join(turns) + "("

    def tokenize(self, text: str, *, start: bool, special: bool) -> list[int]:
        assert special
        return [0] * start + [ord(character) for character in text]


class Moody(Letters):
    """Greets every conversation in another way."""

    def render(self, messages: Sequence[Mapping[str, object]]) -> str:
        return f"{len(messages)}" + super().render(messages)


def plan_of(body: bytes) -> Plan:
    return read_generate(body, "tiny", {})


def read(ids: Sequence[int]) -> str:
    return "".join(map(chr, ids))


def test_a_prompt_is_rendered_and_begins_with_the_start_token() -> None:
    assert read(prompt_tokens(Letters(), plan_of(b'{"prompt":"Hi"}'), 99)) == "\0~(Hi)("


def test_a_raw_prompt_is_not_rendered() -> None:
    assert read(prompt_tokens(Letters(), plan_of(b'{"prompt":"Hi","raw":true}'), 99)) == "\0Hi"


def test_a_context_is_continued_by_the_end_of_its_answer_and_the_new_turn() -> None:
    plan = plan_of(b'{"prompt":"Hi","context":[1,2]}')
    assert read(prompt_tokens(Letters(), plan, 99)) == "\1\2)(Hi)("


def test_a_template_that_rewrites_what_was_said_starts_afresh_after_the_context() -> None:
    plan = plan_of(b'{"prompt":"Hi","context":[1,2]}')
    assert read(prompt_tokens(Moody(), plan, 99)) == "\1\0021~(Hi)("


def test_a_prompt_that_is_too_long_keeps_its_head_and_its_tail() -> None:
    plan = plan_of(b'{"prompt":"0123456789abcdef","raw":true,"options":{"num_keep":2}}')
    assert read(prompt_tokens(Letters(), plan, 17)) == "\0" + "0" + "abcdef"


@pytest.mark.parametrize(("keep", "expected"), [(-5, "89abcdef"), (99, "\x000123456")])
def test_what_is_kept_of_the_head_is_bounded(keep: int, expected: str) -> None:
    plan = plan_of(b'{"prompt":"0123456789abcdef","raw":true,"options":{"num_keep":%d}}' % keep)
    assert read(prompt_tokens(Letters(), plan, 17)) == expected


def test_a_prompt_that_is_too_long_is_refused_when_it_must_not_be_cut() -> None:
    plan = plan_of(b'{"prompt":"0123456789abcdef","raw":true,"truncate":false}')
    with pytest.raises(Refusal, match="the input length exceeds the context length"):
        prompt_tokens(Letters(), plan, 17)
    assert len(prompt_tokens(Letters(), plan, 18)) == 17
