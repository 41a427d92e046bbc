"""The README's section about testing is correct."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
SECTION = README.read_text(encoding="utf-8").split("## Test your own pipelines")[1].split("\n## ")[0]


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL))
def test_the_code_runs(code: str) -> None:
    exec(compile(code, str(README), "exec"), {})  # noqa: S102 - our own README


def test_every_reply_of_the_table_can_be_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("stream.ndjson").write_bytes(b'{"done":true}\n')
    rows = re.findall(r"^\| [^|]+ \| (`.*`).*\|$", SECTION, re.MULTILINE)
    expressions = [code.replace("(...)", "()") for row in rows for code in re.findall(r"`([^`]+)`", row)]
    names: dict[str, object] = {}
    exec("from ollama_rx.testing import *", names)  # noqa: S102 - our own names
    assert len(expressions) > 15
    for code in expressions:
        if "=" not in code or "(" in code.split("=")[0]:
            eval(code, names)  # noqa: S307 - our own README
