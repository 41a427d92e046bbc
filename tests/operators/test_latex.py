"""LaTeX formulas become plain text."""

import pytest

from ollama_rx.operators._latex import latex_to_text


@pytest.mark.parametrize(
    ("latex", "text"),
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
        (r"\lambda\Lambda \varepsilon\varphi", "λΛ εφ"),
        (r"\boxed{42}, \textbf{b}, \mathsf{c}", "42, b, c"),
        (r"\hat{y} + \bar x + \hat\beta + \vec{v} + \overline{AB}", "ŷ + x̄ + β̂ + v⃗ + overline AB"),
        (r"\sqrt[3]{x} + \sqrt 2 + \sqrt{x}", "³√x + √ 2 + √x"),
        (r"\frac12 + \cfrac{1}{x} + \binom{n}{k}", "1/2 + 1/x + binom n k"),
        (r"90^\circ, 90^{\circ}, f^\prime, f \circ g", "90°, 90°, f′, f ° g"),
        (r"\begin{cases} a & b \\[4pt] c & d \end{cases}", "a b c d"),
        (r"\begin{array}{c|c} a & b \end{array} \& c", "a b & c"),
        (r"A \subseteq B, a \mid b, \langle x\rangle", "A ⊆ B, a | b, ⟨ x⟩"),
        (r"\bigl( \int\limits_0^1 x \bigr)", "( ∫₀¹ x )"),
        (r"2\sin\theta + \sin^2 x + \log_2 n", "2 sin θ + sin² x + log₂ n"),
        (r"x \equiv y \pmod{n}, a \bmod b", "x ≡ y (mod n), a mod b"),
        (r"\label{eq:1} a\_b {x}", "a_b x"),
    ],
)
def test_commands_become_unicode_signs_or_their_names(latex: str, text: str) -> None:
    assert latex_to_text(latex) == text


def test_groups_are_resolved_down_to_a_depth() -> None:
    def nested(depth: int) -> str:
        return "\\sqrt{" * depth + "x" + "}" * depth

    assert latex_to_text(nested(3)) == "√(√(√x))"
    assert latex_to_text(nested(10)).count("√(") == 9
    assert latex_to_text(nested(10_000)).count("√(") == 9
