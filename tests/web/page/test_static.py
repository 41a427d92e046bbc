"""The page's files: complete, within the content security policy, and without errors of JavaScript."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from json import dumps, loads
from pathlib import Path

import pytest

import ollama_rx.web.page

STATIC = Path(ollama_rx.web.page.__file__).parent / "static"
MODULES = sorted(STATIC.glob("*.js"))
STYLES = sorted(STATIC.glob("*.css"))

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


class Tags(HTMLParser):
    """The start tags of index.html, with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed((STATIC / "index.html").read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def node(*arguments: str) -> str:
    ran = subprocess.run(["node", *arguments], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603, S607
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def run_after(module: str, script: str, *arguments: str) -> str:
    """Run a module that imports nothing, and the script behind it; return what is printed."""
    source = (STATIC / module).read_text("utf-8")
    return node("--input-type=module", "-e", f"{source}\n{script}", *arguments)


def imports_of(module: Path) -> set[str]:
    return set(re.findall(r'^(?:import|\} from) [^"]*"\./([^"]+)";', module.read_text("utf-8"), re.MULTILINE))


def test_index_loads_only_files_that_are_there() -> None:
    for _, attributes in Tags().found:
        for name in ("src", "href"):
            address = attributes.get(name) or "#"
            if not address.startswith("#"):
                folder, _, file = address.rpartition("/")
                assert folder == "static"  # relative: the page may be mounted below a path
                assert (STATIC / file).is_file(), file


def test_index_has_no_inline_script_and_no_inline_style() -> None:
    tags = Tags().found
    assert all("src" in attributes for tag, attributes in tags if tag == "script")
    assert all(tag != "style" for tag, _ in tags)
    assert not [
        name for _, attributes in tags for name in attributes if name == "style" or name.startswith("on")
    ]


def test_every_module_is_used() -> None:
    reached = {"main.js", "first_paint.js", "voice_worklet.js"}
    waiting = ["main.js"]
    while waiting:
        for name in imports_of(STATIC / waiting.pop()) - reached:
            reached.add(name)
            waiting.append(name)
    types = {"types.js"}  # read by editors only
    assert reached | types == {module.name for module in MODULES}


def test_every_style_sheet_is_used() -> None:
    linked = {attributes.get("href") for tag, attributes in Tags().found if tag == "link"}
    assert {f"static/{style.name}" for style in STYLES} <= linked


@pytest.mark.parametrize("file", [*MODULES, *STYLES], ids=lambda file: file.name)
def test_nothing_is_loaded_from_elsewhere(file: Path) -> None:
    text = file.read_text("utf-8")
    assert set(re.findall(r"https?://([^\s\"'`)/]+)", text)) <= {"www.w3.org"}  # names of namespaces
    assert "url(" not in text
    assert "eval(" not in text


def test_html_is_set_in_one_place() -> None:
    setting = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|setHTML")
    assert [module.name for module in MODULES if setting.search(module.read_text("utf-8"))] == [
        "answer_blocks.js"
    ]


@needs_node
def test_javascript_reads_every_module() -> None:
    check = """
        const { SourceTextModule } = require("vm");
        const { readFileSync } = require("fs");
        for (const path of process.argv.slice(1)) {
          new SourceTextModule(readFileSync(path, "utf8"), { identifier: path });
        }
    """
    node("--experimental-vm-modules", "--no-warnings", "-e", check, *map(str, MODULES))


@needs_node
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_read_in_any_cutting(size: int) -> None:
    stream = (
        ": heartbeat\n\n"
        "retry: 1000\n\n"
        'id: R-1\nevent: block\ndata: {"html":"a: b\u2028\U0001f600"}\n\n'
        'event: reset\ndata: {"missed":3}\n\n'
    )
    script = f"""
        const frames = new EventFrames();
        const text = JSON.parse(process.argv[1]);
        const events = [];
        for (let at = 0; at < text.length; at += {size}) {{
          events.push(...frames.feed(text.slice(at, at + {size})));
        }}
        console.log(JSON.stringify(events));
    """
    assert loads(run_after("event_frames.js", script, dumps(stream))) == [
        {"type": "block", "id": "R-1", "data": {"html": "a: b\u2028\U0001f600"}},
        {"type": "reset", "id": "", "data": {"missed": 3}},
    ]


@needs_node
def test_conversations_are_listed_by_period() -> None:
    script = """
        const now = new Date(2026, 10, 27, 0, 30);
        const dates = [
          new Date(2026, 10, 27, 0, 10), new Date(2026, 10, 26, 23, 59), new Date(2026, 10, 25, 9),
          new Date(2026, 10, 1, 9), new Date(2025, 0, 1, 9),
        ];
        console.log(dates.map((date) => period(date.getTime() / 1000, now)).join("|"));
    """
    assert run_after("dates.js", script) == "Today|Yesterday|Last 7 days|November 2026|January 2025\n"


@needs_node
def test_a_letter_has_few_marks() -> None:
    script = """
        const text = process.argv[1];
        const flood = `${text} e${"\\u0301".repeat(100000)}n ${"\\u{1D165}".repeat(100)}`;
        const few = `${text} e${"\\u0301".repeat(20)}n ${"\\u{1D165}".repeat(20)}`;
        console.log(withFewMarks(text) === text, withFewMarks(flood) === few);
    """
    assert (
        run_after("combining_marks.js", script, "\u0e01\u0e33\u0e49 e\u0302\u0301 नमस्ते 👩🏽\u200d🚀")
        == "true true\n"
    )
