"""What the parser of Markdown would take for formatting is escaped or replaced before."""

import pytest

from ollama_rx.operators._rewrite_for_speech import rewrite_for_speech


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("*a* **b** `*c*` _d_", "*a* **b** `*c*` _d_"),
        ('[a](x*y "*t*") <b>c</b><br>d', '[a](x*y "*t*") c d'),
        ("2*3 and f(*a, **b)", "2\\*3 and f(\\*a, \\*\\*b)"),
        ("__init__ and __bold__", "\\_\\_init\\_\\_ and __bold__"),
        (r"\(a_1\) and $5 or $6, $x$", "a₁ and $5 or $6, x"),
        ("[1](https://a.b/c) https://a.b/c_d", "[1] a\\.b"),
        ("a → b → ", "a, b"),
        ("├── a │ b\n• c", "- a   b\n- c"),
    ],
)
def test_text_is_rewritten_by_the_first_rule_that_matches(text: str, rewritten: str) -> None:
    assert rewrite_for_speech(text, "host") == rewritten
