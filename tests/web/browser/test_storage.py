"""A browser that keeps nothing for the page, as some do in private windows."""

from ollama_rx.testing import FakeOllama, answer
from tests.web.browser.chat import Chat
from tests.web.browser.chromium import Chromium
from tests.web.browser.watch import Watch

_DENY = """
for (const name of ["localStorage", "sessionStorage"])
    Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
"""


def test_the_page_works_without_storage(
    chromium: Chromium, watch: Watch, served: str, ollama: FakeOllama
) -> None:
    ollama.play(answer("Hello."))
    watch.allow(served)
    with chromium.browser.new_context() as context, watch.over(context):
        context.add_init_script(_DENY)
        chat = Chat(context.new_page())
        chat.page.goto(served)
        chat.page.get_by_role("button", name="Theme: system").click()
        chat.ask("Hi")
        chat.wait_for_end()
