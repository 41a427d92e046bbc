"""A table shows all of its text, however narrow the window is."""

import pytest

from tests.sinks.test_markdown_rows import drawn


@pytest.mark.parametrize("columns", [40, 16, 12, 11, 4])
def test_a_table_shows_all_of_its_text_in_a_window_of_any_width(columns: int) -> None:
    text = "".join(drawn("|alpha|**beta**|語語|\n|-|-|-|\n|one|twooooooooooooo|日本日本|\n|1|\n", columns))
    for letter, count in {"a": 3, "語": 2, "o": 14, "日": 2, "本": 2, "1": 1}.items():
        assert text.count(letter) == count, text


def test_a_table_with_too_many_columns_is_text() -> None:
    assert drawn("|a|b|c|\n|-|-|-|\n|1|*2*|3|\n|4|\n", 11) == ["a | b | c", "1 | 2 | 3", "4 |  |"]
