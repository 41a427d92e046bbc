"""The prompts, the levels and the number of requests are read from the command line."""

from pathlib import Path

import pytest

from ollama_rx.cli.bench.bench_plan import (
    DEFAULT_PROMPTS,
    BenchPlan,
    choose_requests,
    parse_streams,
    read_prompts,
)
from ollama_rx.cli.user_files import MAX_TEXT


@pytest.mark.parametrize(
    ("words", "streams"),
    [([], (1,)), (["4"], (4,)), (["1,2, 4"], (1, 2, 4)), (["8", "1,8"], (8, 1, 8))],
)
def test_levels_are_a_list_or_several_options(words: list[str], streams: tuple[int, ...]) -> None:
    assert parse_streams(words) == streams


@pytest.mark.parametrize("word", ["0", "-1", "two", "1,,2", "", "1.5", "\u00b2", "\u0663"])
def test_anything_but_whole_numbers_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="expected numbers of at least 1, as in 1,2,4, got '"):
        parse_streams([word])


def test_requests_fill_all_streams() -> None:
    assert choose_requests(None, (1, 2)) == 10
    assert choose_requests(None, (1, 32, 2)) == 32
    assert choose_requests(4, (4,)) == 4
    with pytest.raises(ValueError, match="3 requests cannot fill 4 streams"):
        choose_requests(3, (1, 4))


def test_prompts_are_taken_in_turn() -> None:
    plan = BenchPlan(prompts=("a", "b", "c"), streams=(1,), requests=5, options={}, warm_up=True)
    assert [plan.prompt_index(request) for request in range(5)] == [0, 1, 2, 0, 1]


def test_the_default_prompts_differ_from_their_first_word_on() -> None:
    assert len({prompt[:6] for prompt in DEFAULT_PROMPTS}) == len(DEFAULT_PROMPTS) == 10


def test_each_line_of_a_file_is_a_prompt_unless_it_is_empty(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("Why?\n\n  \nWas ist \u6a21?\n", encoding="utf-8")
    assert read_prompts(str(file)) == ("Why?", "Was ist \u6a21?")


def test_a_file_without_prompts_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    with pytest.raises(ValueError, match=r"prompts\.txt: No such file"):
        read_prompts(str(file))
    file.write_bytes(b"\n \n")
    with pytest.raises(ValueError, match=r"prompts\.txt has no prompts: it should have one in each line"):
        read_prompts(str(file))
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"prompts\.txt is not text in UTF-8"):
        read_prompts(str(file))
    with file.open("wb") as long:
        long.truncate(MAX_TEXT + 1)
    with pytest.raises(ValueError, match=r"prompts\.txt is longer than 32 MB"):
        read_prompts(str(file))
