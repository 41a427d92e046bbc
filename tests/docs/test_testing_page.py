"""Every reply in the table of docs/testing.md can be built."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, section

SECTION = section(PAGES["docs/testing.md"], "A scripted server")


def test_every_reply_of_the_table_can_be_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("stream.ndjson").write_bytes(b'{"done":true}\n')
    Path("answers.cassette").write_bytes(b'{"cassette":1,"texts":true}\n')
    rows = re.findall(r"^\| [^|]+ \| (`.*`).*\|$", SECTION, re.MULTILINE)
    expressions = [code.replace("(...)", "()") for row in rows for code in re.findall(r"`([^`]+)`", row)]
    names: dict[str, object] = {}
    exec("from ollama_rx.testing import *", names)  # noqa: S102 - our own names
    assert len(expressions) > 15
    for code in expressions:
        if "=" not in code or "(" in code.split("=")[0]:
            eval(code, names)  # noqa: S307 - our own page
