"""LaTeX formulas as plain text, as far as Unicode has signs for them."""

import re
import unicodedata

_SIGNS = {
    "times": "×", "cdot": "·", "div": "÷", "pm": "±", "mp": "∓", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥",
    "ne": "≠", "neq": "≠", "approx": "≈", "equiv": "≡", "sim": "∼", "propto": "∝", "infty": "∞", "sum": "∑",
    "prod": "∏", "int": "∫", "partial": "∂", "nabla": "∇", "in": "∈", "notin": "∉", "subset": "⊂", "cup": "∪",
    "cap": "∩", "forall": "∀", "exists": "∃", "to": "→", "rightarrow": "→", "leftarrow": "←", "implies": "⇒",
    "Rightarrow": "⇒", "iff": "⇔", "ldots": "…", "cdots": "…", "dots": "…", "circ": "°", "degree": "°",
    "quad": " ", "qquad": " ", "left": "", "right": "", "displaystyle": "", "%": "%", "$": "$", "&": "&",
    ",": " ", ";": " ", ":": " ", "!": "", " ": " ", "{": "{", "}": "}", "\\": " ",
}  # fmt: skip
_RAISED = dict(zip("0123456789+-=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ", strict=True))
_LOWERED = dict(zip("0123456789+-=()aeijnx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₙₓ", strict=True))

_GROUP = re.compile(
    r"\\[dt]?frac\s*\{(?P<above>[^{}]*)\}\s*\{(?P<below>[^{}]*)\}|\\sqrt\s*\{(?P<root>[^{}]*)\}"
    r"|\\(?:text|mathrm|mathbf|mathit|mathbb|mathcal|operatorname|boldsymbol)\s*\{(?P<text>[^{}]*)\}"
)
_BRACES = re.compile(r"(?<!\\)[{}]")
_SCRIPT = re.compile(r"([\^_])(?:\{([^{}]*)\}|(\w))")
_COMMAND = re.compile(r"\\([A-Za-z]+|.)\s?")


def plain_formula(latex: str) -> str:
    r"""Return a formula without LaTeX's commands.

    >>> plain_formula(r"\frac{a+1}{b} \le x^2 \cdot \pi")
    '(a+1)/b ≤ x² · π'
    """
    found = 1
    while found:  # the innermost groups first
        latex, found = _GROUP.subn(_group, latex)
    latex = _BRACES.sub("", _SCRIPT.sub(_script, latex))
    return " ".join(_COMMAND.sub(_sign, latex).split())


def _group(match: re.Match[str]) -> str:
    if match["text"] is not None:
        return match["text"]
    if match["root"] is not None:
        return f"√{_bracketed(match['root'])}"
    return f"{_bracketed(match['above'])}/{_bracketed(match['below'])}"


def _bracketed(text: str) -> str:
    text = text.strip()
    return text if re.fullmatch(r"\\?\w+", text) else f"({text})"


def _script(match: re.Match[str]) -> str:
    text = match[2] if match[2] is not None else match[3]
    signs = _RAISED if match[1] == "^" else _LOWERED
    if text and all(character in signs for character in text):
        return "".join(signs[character] for character in text)
    return f"^{_bracketed(text)}" if match[1] == "^" else f" {text}"


def _sign(match: re.Match[str]) -> str:
    name = match[1]
    after = match[0][len(name) + 1 :]
    if name in _SIGNS:
        return _SIGNS[name] + after
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {name.upper()}") + after
    except KeyError:
        return name + after
