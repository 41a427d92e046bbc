import pytest

from ollama_rx.speech.written_part import begins_unspaced, whole_words, written_part


@pytest.mark.parametrize(
    ("written", "said", "heard", "expected"),
    [
        ("Hello, Ada.", "Hello, Ada.", "Hello,", "Hello,"),
        ("**Hello** *Ada*.", "Hello Ada.", "Hello", "**Hello**"),
        (
            "See [the docs](https://x.y/z) now.",
            "See the docs now.",
            "See the docs",
            "See [the docs](https://x.y/z)",
        ),
        (
            "See https://www.python.org/a now.",
            "See python.org now.",
            "See python.org",
            "See https://www.python.org/a",
        ),
        ("The SQL query.", "The sequel query.", "The sequel", "The SQL"),
        ("The API of it.", "The a p i of it.", "The a p", "The"),
        ("The API of it.", "The a p i of it.", "The a p i", "The API"),
        ("- 🙂 Hello - Ada.", "Hello Ada.", "Hello", "- 🙂 Hello"),
        ("Ende gut, alles gut.", "Ende gut, alles gut.", "Ende gut, alles", "Ende gut, alles"),
        ("你好，世界。", "你好，世界。", "你好", "你好，"),
        ("a b", "c d", "c", "a"),
    ],
)
def test_the_part_that_was_written_ends_with_the_word_that_was_heard(
    written: str, said: str, heard: str, expected: str
) -> None:
    assert written_part(written, said, len(heard)) == expected


def test_nothing_or_all_was_heard() -> None:
    assert written_part("**Hello.**", "Hello.", 0) == ""
    assert written_part("**Hello.**", "Hello.", 6) == "**Hello.**"
    assert written_part("**Hello.** ", "Hello. ", 6) == "**Hello.** "


def test_what_was_written_may_have_no_word_of_what_is_said() -> None:
    assert written_part("→", "an arrow", 2) == ""


def test_very_long_text_is_shared_out_without_comparing() -> None:
    words = [f"w{number}" for number in range(2_000)]
    half = " ".join(words[:1_000])
    assert written_part("*" + " ".join(words) + "*", " ".join(words), len(half)) == f"*{half}"


@pytest.mark.parametrize(
    ("said", "end", "expected"),
    [
        ("Hello Ada", 0, 0),
        ("Hello Ada", 3, 0),
        ("Hello Ada", 5, 5),
        ("Hello Ada", 6, 5),
        ("Hello Ada", 8, 5),
        ("Hello Ada", 9, 9),
        ("One\nTwo", 5, 3),
        ("你好世界", 1, 1),
        ("안녕하세요 세계", 2, 0),
    ],
)
def test_a_word_counts_when_it_is_complete(said: str, end: int, expected: int) -> None:
    assert whole_words(said, end) == expected


def test_a_text_may_begin_in_a_script_without_spaces() -> None:
    unspaced = [text for text in ("「你好", "สวัสดี", "Hello", "안녕") if begins_unspaced(text)]
    assert unspaced == ["「你好", "สวัสดี"]
