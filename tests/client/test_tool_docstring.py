"""A docstring becomes a summary and descriptions of parameters, whatever its style."""

import inspect
import textwrap

import pytest

from ollama_rx.client.tool_docstring import parse_docstring

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
    :type days: int
    :param *rest: Unused.
    :param nothing:
    :returns: sunny: or not
"""
EPYTEXT = REST.replace(":p", "@p").replace(":t", "@t").replace(":r", "@r")


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, REST, EPYTEXT], ids=["google", "numpy", "rest", "epytext"])
def test_the_styles_of_docstrings_give_the_same_descriptions(text: str) -> None:
    assert parse_docstring(inspect.cleandoc(text)) == (
        "Tell the weather of a city.",
        {"city": "Where, by name.\n\nNot a postcode.", "days": "How long.", "rest": "Unused."},
    )


def test_the_style_of_numpy_describes_several_parameters_at_once() -> None:
    text = "Draw.\n\nParameters\n----------\nx, y : float\n    Where.\n*points, **names\n    What."
    assert parse_docstring(text) == (
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
    assert parse_docstring(f"Tell the weather.\n\n{section}") == ("Tell the weather.", {})


def test_a_docstring_may_be_empty() -> None:
    assert parse_docstring("") == ("", {})


def test_a_colon_in_a_sentence_does_not_begin_a_section() -> None:
    text = "Use this: it works.\nParameters: none are needed."
    assert parse_docstring(text) == ("Use this: it works. Parameters: none are needed.", {})


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
    assert parse_docstring(text) == ("Tell.", {"city": "Where."})


def test_a_section_may_be_empty_or_begin_with_prose() -> None:
    assert parse_docstring("Tell.\n\nArgs:\n") == ("Tell.", {})
    assert parse_docstring("Tell.\n\nArgs:\n    All of them:\n    city: Where.") == (
        "Tell.",
        {"city": "Where."},
    )


@pytest.mark.parametrize(
    "heading", ["Args:", "args:", "ARGS:", "Arguments :", "parameters:", "Keyword Args:", "Other Parameters:"]
)
@pytest.mark.parametrize(
    "entry",
    [
        "city: Where.",
        "city : Where.",
        "city(str): Where.",
        "city(str) : Where.",
        "city (str, optional): Where.",
        "city (Callable[[int], tuple(int, str)]): Where.",
        "**city: Where.",
        "city:\n        Where.",
    ],
)
def test_a_heading_and_a_parameter_may_be_written_in_many_ways(heading: str, entry: str) -> None:
    text = f"Tell.\n\n{heading}\n    {entry}\n    days: How long.\nReturns: nothing"
    assert parse_docstring(text) == ("Tell.", {"city": "Where.", "days": "How long."})


def test_parameters_need_not_be_indented() -> None:
    text = "Tell.\n\nArgs:\ncity: Where,\nby name.\ndays: How long.\n\nAll of this is prose."
    assert parse_docstring(text) == ("Tell.", {"city": "Where, by name.", "days": "How long."})


def test_a_description_keeps_its_paragraphs_and_lists() -> None:
    text = textwrap.dedent(
        """\
        Tell the weather
        of a city.


        It knows:

        - large cities, and
          towns
        - villages

        Args:
            unit: One of:

                * c: Celsius
                * k: Kelvin,
                  for physicists
                1. by number
        """
    )
    assert parse_docstring(text) == (
        "Tell the weather of a city.\n\nIt knows:\n\n- large cities, and towns\n- villages",
        {"unit": "One of:\n\n* c: Celsius\n* k: Kelvin, for physicists\n1. by number"},
    )


def test_what_is_not_indented_after_an_empty_line_belongs_to_no_field() -> None:
    text = ":param city: Where,\nby name.\n\n    Not a postcode.\n\nProse."
    assert parse_docstring(text) == ("", {"city": "Where, by name.\n\nNot a postcode."})


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_tabs_and_line_ends_of_windows_are_white_space(line_end: str) -> None:
    text = "Tell.\n\nMore.\n\nArgs:\n\tcity: Where,\n\t\tby name.\n \n\tdays: How\tlong."
    assert parse_docstring(text.replace("\n", line_end)) == (
        "Tell.\n\nMore.",
        {"city": "Where, by name.", "days": "How long."},
    )
