"""Names on the bus: one word for each model, and nothing a user chooses reaches another subject."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx.bus.subjects import Subjects, check_run, new_run, word_of


@pytest.mark.parametrize(
    ("one", "other"), [("llama3", "llama3:latest"), ("LLaMA3", "llama3"), ("qwen3:8B", "qwen3:8b")]
)
def test_names_of_the_same_model_are_the_same_word(one: str, other: str) -> None:
    assert word_of(one) == word_of(other)


@given(st.text(min_size=1, max_size=400))
def test_any_name_is_one_short_word_that_a_server_accepts(name: str) -> None:
    word = word_of(name)
    assert word.isascii()
    assert not set(word) & set(".*>/\\ \t\r\n")
    assert 0 < len(word) <= 200


def test_long_names_that_differ_at_their_end_are_different_words() -> None:
    assert word_of("a" * 300 + ":1") != word_of("a" * 300 + ":2")


@pytest.mark.parametrize("bad", ["", "a.b", "a b", "*", ">", "ä", "a" * 65, "a\r\nPUB x"])
def test_an_id_or_a_namespace_that_is_not_a_word_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="run: expected 1 to 64 letters"):
        check_run(bad)
    with pytest.raises(ValueError, match="namespace: expected 1 to 64 letters"):
        Subjects(bad)


def test_new_runs_are_words_of_their_own() -> None:
    assert check_run(new_run()) != new_run()


def test_each_thing_has_a_subject_of_its_own() -> None:
    names = Subjects("here")
    assert names.prompt("m:1", "r") == "here.prompt.m=3a1.r"
    assert names.prompts_of("m:1") == "here.prompt.m=3a1.*"
    assert names.all_prompts == "here.prompt.*.*"
    assert (names.events("r"), names.all_events) == ("here.events.r", "here.events.*")
    assert (names.control("r"), names.all_controls) == ("here.control.r", "here.control.*")
    assert names.readers("r") == "here.readers.r"
    assert names.worker("w") == "here.worker.w"
    buckets = {names.workers_bucket, names.large_bucket}
    assert buckets | {names.prompts_stream, names.events_stream} == {
        "here_workers",
        "here_large",
        "here_prompts",
        "here_events",
    }
