"""Docstrings in three styles describe_docstring a function and its parameters."""

import inspect
import textwrap

import pytest

from ollama_rx.client.tool_schema import describe_docstring

GOOGLE = """
    Tell the weather
    of a city.

    Args:
        city (str): Where,
            by name.

            Not a postcode.
        days: How long.
        *rest: Unused.
        nothing:

    Returns:
        sunny: or not
"""
NUMPY = """
    Tell the weather
    of a city.

    Parameters
    ----------
    city : str
        Where,
        by name.

        Not a postcode.
    days
        How long.
    *rest : tuple
        Unused.
    nothing

    Returns
    -------
    sunny : str
        or not
"""
REST = """
    Tell the weather
    of a city.

    :param str city: Where,
        by name.
        Not a postcode.
    :param days: How long.

        Another paragraph.
    :type days: int
    :param *rest: Unused.
    :param nothing:
    :returns: sunny: or not
"""


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, REST], ids=["google", "numpy", "rest"])
def test_three_styles_say_the_same(text: str) -> None:
    assert describe_docstring(inspect.cleandoc(text)) == (
        "Tell the weather of a city.",
        {"city": "Where, by name. Not a postcode.", "days": "How long.", "rest": "Unused."},
    )


def test_numpys_style_describes_several_parameters_at_once() -> None:
    text = "Draw.\n\nParameters\n----------\nx, y : float\n    Where.\n*points, **names\n    What."
    assert describe_docstring(text) == (
        "Draw.",
        {"x": "Where.", "y": "Where.", "points": "What.", "names": "What."},
    )


@pytest.mark.parametrize(
    "section",
    [
        "Returns:\n    str",
        "Returns\n-------\nstr",
        "Raises:\n    KeyError: no",
        "Example:\n    f()",
        ":rtype: str",
    ],
)
def test_the_summary_ends_where_a_section_begins(section: str) -> None:
    assert describe_docstring(f"Tell the weather.\n\n{section}") == ("Tell the weather.", {})


def test_a_docstring_may_be_empty() -> None:
    assert describe_docstring("") == ("", {})


def test_a_colon_in_a_sentence_is_no_section() -> None:
    text = "Use this: it works.\nParameters: none are needed."
    assert describe_docstring(text) == ("Use this: it works. Parameters: none are needed.", {})


def test_text_after_the_parameters_ends_them() -> None:
    text = textwrap.dedent(
        """\
        Tell.

        Args:
            city: Where.
        And this: is prose.
            days: no parameter
        """
    )
    assert describe_docstring(text) == ("Tell.", {"city": "Where."})


def test_a_section_may_be_empty_or_begin_with_prose() -> None:
    assert describe_docstring("Tell.\n\nArgs:\n") == ("Tell.", {})
    assert describe_docstring("Tell.\n\nArgs:\n    none at all\n    city: Where.") == ("Tell.", {})
