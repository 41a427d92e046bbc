"""Turn LaTeX formulas into plain text, as far as Unicode has signs for them."""

import re
import unicodedata

_SIGNS = {
    "times": "×", "cdot": "·", "div": "÷", "pm": "±", "mp": "∓", "ast": "*", "star": "⋆", "bullet": "•",
    "oplus": "⊕", "otimes": "⊗", "le": "≤", "leq": "≤", "leqslant": "≤", "ge": "≥", "geq": "≥",
    "geqslant": "≥", "lt": "<", "gt": ">", "ll": "≪", "gg": "≫", "ne": "≠", "neq": "≠",
    "approx": "≈", "equiv": "≡", "sim": "∼", "simeq": "≃", "cong": "≅", "propto": "∝", "mid": "|",
    "parallel": "∥", "perp": "⊥", "angle": "∠",
    "infty": "∞", "sum": "∑", "prod": "∏", "int": "∫", "iint": "∬", "iiint": "∭", "oint": "∮", "partial": "∂",
    "nabla": "∇", "sqrt": "√", "hbar": "ℏ", "ell": "ℓ", "prime": "′", "circ": "°", "degree": "°", "top": "⊤",
    "in": "∈", "ni": "∋", "notin": "∉", "subset": "⊂", "subseteq": "⊆", "supset": "⊃", "supseteq": "⊇",
    "cup": "∪", "cap": "∩", "setminus": "∖", "emptyset": "∅", "varnothing": "∅", "forall": "∀", "exists": "∃",
    "nexists": "∄", "neg": "¬", "lnot": "¬", "land": "∧", "wedge": "∧", "lor": "∨", "vee": "∨",
    "therefore": "∴", "because": "∵", "to": "→", "rightarrow": "→", "longrightarrow": "→", "mapsto": "↦",
    "gets": "←", "leftarrow": "←", "leftrightarrow": "↔", "uparrow": "↑", "downarrow": "↓", "implies": "⇒",
    "Rightarrow": "⇒", "Longrightarrow": "⇒", "Leftarrow": "⇐", "iff": "⇔", "Leftrightarrow": "⇔",
    "ldots": "…", "cdots": "…", "dots": "…", "vdots": "…", "ddots": "…", "langle": "⟨", "rangle": "⟩",
    "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "lvert": "|", "rvert": "|", "lVert": "‖",
    "rVert": "‖", "|": "‖", "lambda": "λ", "Lambda": "Λ", "varepsilon": "ε", "varphi": "φ", "vartheta": "ϑ",
    "varrho": "ϱ", "varsigma": "ς", "bmod": " mod ", "quad": " ", "qquad": " ", "%": "%", "$": "$", "#": "#",
    ",": " ", ";": " ", ":": " ", ">": " ", "!": "", " ": " ", "\\": " ", "(": "", ")": "", "[": "", "]": "",
}  # fmt: skip
_STYLE_COMMANDS = (  # change only how the formula is typeset
    "left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr limits nolimits "
    "displaystyle textstyle scriptstyle rm bf it nonumber notag"
)
_SIGNS.update(dict.fromkeys(_STYLE_COMMANDS.split(), ""))
_ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "overline": "\u0305", "tilde": "\u0303",
    "widetilde": "\u0303", "vec": "\u20d7", "dot": "\u0307", "ddot": "\u0308",
}  # fmt: skip
_SUPERSCRIPTS = dict(zip("0123456789+-=()ni°′", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ°′", strict=True))
_SUBSCRIPTS = dict(zip("0123456789+-=()aeijnx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₙₓ", strict=True))

_DEEPEST = 10  # groups in groups; each level takes a pass over the formula, and people write at most five

_LAYOUT = re.compile(
    r"\\begin\s*\{\w+\*?\}(?:\[\w\])?(?:\{[lcr|\s\d]*\})?|\\end\s*\{\w+\*?\}|(?<=\\\\)\[-?[\d.]+\w\w\]"
    r"|\\(?:label|color|[hv]space\*?|[hv]?phantom)\s*\{[^{}]*\}"
)
_SIGN = re.compile(r"\\([A-Za-z]+|.)|[&~]", re.DOTALL)
_ARGUMENT = r"\s*(?:\{{(?P<{0}>[^{{}}]*)\}}|(?P<{0}_sign>\w))"
_GROUP = re.compile(
    rf"\\[dtc]?frac{_ARGUMENT.format('above')}{_ARGUMENT.format('below')}"
    r"|√\s*(?:\[(?P<degree>[^\[\]]*)\])?\s*\{(?P<root>[^{}]*)\}"
    rf"|\\(?P<accent>{'|'.join(_ACCENTS)})(?![A-Za-z]){_ARGUMENT.format('under')}"
    r"|\\pmod\s*\{(?P<modulus>[^{}]*)\}"
    r"|\\(?:text|textbf|textit|textrm|textsf|texttt|mbox|math[a-z]+|operatorname\*?|boldsymbol|bm|boxed|fbox"
    r"|underline|ce)\s*\{(?P<text>[^{}]*)\}"
)
_SCRIPT = re.compile(r"(?<!\\)([\^_])(?:\{([^{}]*)\}|([^\s\\{}]))")
_NAME = re.compile(r"(?P<before>(?<=[^\W_]))?\\(?P<name>[A-Za-z]+)(?P<after>(?=[a-zA-Z0-9\u0370-\u03ff{√]))?")
_BRACES = re.compile(r"(?<!\\)[{}]+")


def latex_to_text(latex: str) -> str:
    r"""Return a formula without LaTeX's commands; a command without a Unicode sign becomes its name.

    >>> latex_to_text(r"\frac{a+1}{b} \le x^2 \cdot \pi")
    '(a+1)/b ≤ x² · π'
    """
    latex = _SIGN.sub(_replace_sign, _LAYOUT.sub(" ", latex))
    for _ in range(_DEEPEST):  # the innermost groups first
        latex, found = _GROUP.subn(_replace_group, latex)
        if not found:
            break
    latex = _NAME.sub(_space_name, _SCRIPT.sub(_replace_script, latex))
    latex = _BRACES.sub(lambda braces: " " if "}{" in braces[0] else "", latex)
    return " ".join(latex.replace("\\", "").split())


def _replace_sign(match: re.Match[str]) -> str:
    name = match[1]
    if name is None:
        return " "  # aligns columns, or is a non-breaking space
    if name in _SIGNS:
        return _SIGNS[name]
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {name.upper()}")
    except KeyError:
        return match[0]


def _replace_group(match: re.Match[str]) -> str:
    if match["text"] is not None:
        return match["text"]
    if match["modulus"] is not None:
        return f"(mod {match['modulus']})"
    if match["root"] is not None:
        return f"{_to_script(match['degree'] or '', _SUPERSCRIPTS)}√{_in_parentheses(match['root'])}"
    if match["accent"] is not None:
        under = match["under"] or match["under_sign"] or ""
        if len(under) == 1:
            return unicodedata.normalize("NFC", under + _ACCENTS[match["accent"]])
        return f" {match['accent']} {under}"
    above = match["above"] or match["above_sign"] or ""
    below = match["below"] or match["below_sign"] or ""
    return f"{_in_parentheses(above)}/{_in_parentheses(below)}"


def _in_parentheses(text: str) -> str:
    text = text.strip()
    return text if re.fullmatch(r"\\?\w+", text) else f"({text})"


def _replace_script(match: re.Match[str]) -> str:
    text = match[2] if match[2] is not None else match[3]
    signs = _SUPERSCRIPTS if match[1] == "^" else _SUBSCRIPTS
    if all(character in signs for character in text):
        return _to_script(text, signs)
    return f"^{_in_parentheses(text)}" if match[1] == "^" else f" {text}"


def _to_script(text: str, signs: dict[str, str]) -> str:
    return "".join(signs.get(character, character) for character in text)


def _space_name(match: re.Match[str]) -> str:
    before = "" if match["before"] is None else " "
    after = "" if match["after"] is None else " "
    return f"{before}{match['name']}{after}"
