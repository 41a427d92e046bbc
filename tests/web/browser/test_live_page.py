"""`LivePage` and the first page of docs/web.md in a browser."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ollama_rx import Client, OllamaError, deliver
from ollama_rx.testing import FakeOllama, Gate, Reply, answer, midstream_error, thinking
from ollama_rx.web import LivePage
from tests.docs.pages import PAGES, blocks, section
from tests.web.browser import hostile
from tests.web.browser.accessibility import violations
from tests.web.browser.conftest import Visit
from tests.web.browser.relay import Relay
from tests.web.browser.watch import Watch
from tests.web.serving import served as serve

RICH = """# Sky

It is **blue**, see [this](http://127.0.0.1/).

| a | b |
|---|---|
| 1 | 2 |

```python
def f() -> None:
    return "text" + 1  # a comment
```

> so it is

"""


@pytest.fixture
def show(ollama: FakeOllama) -> Iterator[Callable[[Reply], str]]:
    """Show an answer of a model; the fixture is a function that returns the address of the page."""
    pages: list[LivePage] = []
    threads: list[threading.Thread] = []

    def deliver_it(page: LivePage) -> None:  # on a thread of its own: Playwright has a loop in the tests'
        with Client(ollama.url, model="llama3.2") as client, suppress(OllamaError):
            deliver(client.generate("Hi"), page).wait()

    def start(reply: Reply) -> str:
        ollama.play(reply)
        pages.append(LivePage(0))
        threads.append(threading.Thread(target=deliver_it, args=pages[-1:]))
        threads[-1].start()
        return pages[-1].url

    yield start
    for thread in threads:
        thread.join()


def wait_for_end(tab: Page, how: str = "Complete") -> None:
    expect(tab.get_by_role("status")).to_have_text(how)


def test_tabs_that_open_early_or_late_show_the_whole_answer(
    show: Callable[[Reply], str], visit: Visit
) -> None:
    half = Gate()
    url = show(answer(thinking("Let me see."), RICH, half, "The end."))
    tabs = [visit(url)]
    expect(tabs[0].locator("strong")).to_have_text("blue")
    tabs.append(visit(url))
    expect(tabs[1].locator("strong")).to_have_text("blue")
    half.open()
    for tab in tabs:
        wait_for_end(tab)
        expect(tab.get_by_role("article")).to_contain_text("The end.")
        expect(tab.get_by_role("contentinfo")).to_contain_text("llama3.2 · 3 tokens")
        expect(tab.get_by_text("Let me see.")).to_be_hidden()
        tab.get_by_text("Thinking").click()
        expect(tab.get_by_text("Let me see.")).to_be_visible()


def test_a_tab_whose_connection_is_cut_goes_on_where_it_was(
    show: Callable[[Reply], str], visit: Visit, watch: Watch
) -> None:
    watch.expect("ERR_")
    rest = Gate()
    url = show(answer(thinking("One"), "Two", rest, " three"))
    with Relay(url.rstrip("/")) as relay:
        tab = visit(relay.url)
        expect(tab.get_by_role("article")).to_have_text("Two")
        relay.cut()
        wait_for_end(tab, "The connection is cut; trying again")
        relay.mend()
        wait_for_end(tab, "Answering")
        rest.open()
        wait_for_end(tab)
        expect(tab.get_by_role("article")).to_have_text("Two three")
        expect(tab.locator("#thinking")).to_have_text("One")


@pytest.mark.parametrize("name", hostile.ANSWERS)
def test_an_answer_can_run_nothing(name: str, show: Callable[[Reply], str], visit: Visit) -> None:
    bad = hostile.ANSWERS[name]
    tab = visit(show(answer(thinking(bad), bad, "\n\nThe end.")))
    wait_for_end(tab)


def test_an_error_is_shown_below_what_has_arrived(show: Callable[[Reply], str], visit: Visit) -> None:
    opened = Gate()
    tab = visit(show(answer("So far", opened, midstream_error("out of memory"))))
    expect(tab.get_by_role("article")).to_have_text("So far")
    opened.open()
    expect(tab.get_by_role("alert")).to_contain_text("out of memory")
    wait_for_end(tab, "Failed")


@pytest.mark.parametrize("look", ["light", "dark"])
def test_axe_finds_nothing_on_a_phone(look: str, show: Callable[[Reply], str], visit: Visit) -> None:
    url = show(answer(thinking("Let me see."), RICH))
    tab = visit(url, color_scheme=look, viewport={"width": 360, "height": 700})
    wait_for_end(tab)
    tab.get_by_text("Thinking").click()
    assert violations(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_first_page_of_the_documentation_shows_text_as_text(
    ollama: FakeOllama, visit: Visit, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    ollama.play(answer("Because", " of <b>air</b>."))
    names: dict[str, Any] = {"__name__": "first_page"}
    exec(blocks(section(PAGES["docs/web.md"], "A first page"))[0], names)  # noqa: S102 - our own page
    with serve(names["app"]) as url:
        watch.expect("favicon")
        tab = visit(url)
        tab.get_by_label("Question").fill("Why?")
        tab.get_by_role("button").click()
        expect(tab.locator("pre")).to_have_text("Because of <b>air</b>.")
