"""Formulas read without their commands."""

import pytest

from ollama_rx.operators._latex import plain_formula


@pytest.mark.parametrize(
    ("latex", "said"),
    [
        (r"E = mc^2", "E = mc²"),
        (r"\frac{1}{2}", "1/2"),
        (r"\frac{a+1}{\frac{b}{c}}", "(a+1)/(b/c)"),
        (r"\sqrt{x + 1}", "√(x + 1)"),
        (r"\sqrt{\frac{1}{n}}", "√(1/n)"),
        (r"x_{10} \ne y_i^{n+1}", "x₁₀ ≠ yᵢⁿ⁺¹"),
        (r"x^k + v_{max}", "x^k + v max"),
        (r"\alpha\beta \cdot \Omega", "αβ · Ω"),
        (r"\text{if } a \leq b", "if a ≤ b"),
        (r"\left( a \right)", "( a )"),
        (r"50\% \, \foo", "50% foo"),
        (r"\{1, 2\}", "{1, 2}"),
        (r"e^{-x}", "e^(-x)"),
    ],
)
def test_signs_are_unicode_as_far_as_there_are_any(latex: str, said: str) -> None:
    assert plain_formula(latex) == said
