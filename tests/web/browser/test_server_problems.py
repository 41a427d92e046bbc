"""What the page says when something is wrong with its server, or with the server of models."""

from pathlib import Path

from playwright.sync_api import expect

from ollama_rx import Client
from ollama_rx.testing import FakeOllama, answer, json_reply
from ollama_rx.web import app
from tests.web.browser.chat import Chat
from tests.web.browser.conftest import Visit
from tests.web.browser.serving import Serving
from tests.web.browser.watch import Watch


def test_an_ollama_that_does_not_run_is_named_and_asked_again(visit: Visit, tmp_path: Path) -> None:
    with FakeOllama() as fake:
        url = fake.url
    port = int(url.rpartition(":")[2])
    with Client(url) as client, Serving(app(client, store=tmp_path / "c.db")) as server:
        chat = Chat(visit(server.url))
        problem = chat.page.get_by_role("alert")
        expect(problem).to_contain_text(url)
        with FakeOllama(answer("Here I am."), port=port):
            problem.get_by_role("button", name="Check again").click()
            expect(problem).to_be_hidden()
            chat.ask("Are you there?")
            chat.wait_for_end()
            expect(chat.answers).to_contain_text(["Here I am."])


def test_an_ollama_without_models_is_told_how_to_get_one(
    ollama: FakeOllama, served: str, visit: Visit
) -> None:
    ollama.play(json_reply({"models": []}), path="/api/tags")
    chat = Chat(visit(served))
    expect(chat.page.get_by_role("status").filter(has_text="ollama pull")).to_be_visible()


def test_an_ollama_that_goes_away_fails_the_answer_and_nothing_else(visit: Visit, tmp_path: Path) -> None:
    with (
        FakeOllama(answer("First.")) as fake,
        Client(fake.url) as client,
        Serving(app(client, store=tmp_path / "c.db")) as server,
    ):
        chat = Chat(visit(server.url))
        chat.ask("One")
        chat.wait_for_end()
        fake.close()
        chat.ask("Two")
        expect(chat.answer.get_by_role("alert")).to_contain_text("ollama serve")
        expect(chat.answers.first).to_contain_text("First.")
        expect(chat.questions).to_contain_text(["One", "Two"])


def test_a_token_is_taken_from_the_address_and_asked_for_without_it(
    ollama: FakeOllama, visit: Visit, watch: Watch, tmp_path: Path
) -> None:
    watch.expect("401")
    with (
        Client(ollama.url) as client,
        Serving(app(client, store=tmp_path / "c.db", token="secret")) as server,  # noqa: S106
    ):
        chat = Chat(visit(f"{server.url}/#token=secret"))
        chat.ask("With a token")
        chat.wait_for_end()
        assert "secret" not in chat.page.url
        chat.page.reload()
        expect(chat.answers).to_contain_text(["With a token"])

        stranger = Chat(visit(server.url))
        dialog = stranger.page.get_by_role("dialog", name="Access token")
        dialog.get_by_role("textbox", name="Token").fill("wrong")
        dialog.get_by_role("button", name="Continue").click()
        expect(dialog).to_be_visible()
        dialog.get_by_role("textbox", name="Token").fill("secret")
        dialog.get_by_role("button", name="Continue").click()
        expect(dialog).to_be_hidden()
        expect(stranger.conversation("With a token")).to_be_visible()


def test_another_site_reads_nothing(served: str, visit: Visit, watch: Watch) -> None:
    """Neither with requests of its own, nor in a frame, nor through a window that it opens."""
    watch.expect(
        "favicon", "CORS", "403", "ERR_FAILED", "ERR_BLOCKED_BY_RESPONSE", "frame-ancestors", "Refused"
    )
    chat = Chat(visit(served))
    chat.ask("A secret")
    chat.wait_for_end()
    with FakeOllama() as elsewhere:
        page = visit(elsewhere.url)
        watch.allow(served)
        assert page.evaluate(_READ, served) == [None] * 4
        page.evaluate(_FRAME, served)
        expect(page.frame_locator("iframe").get_by_role("textbox")).to_have_count(0)
    expect(chat.conversation("A secret")).to_be_visible()


_READ = """async (url) => {
    const get = (path, options) => fetch(url + path, options).then((it) => it.text(), () => null);
    return [
        await get("/api/conversations"),
        await get("/api/state"),
        await get("/api/conversations", { method: "POST", body: "{}" }),
        await get("/api/conversations", { mode: "no-cors" }),
    ];
}"""
_FRAME = """(url) => {
    const frame = document.createElement("iframe");
    frame.src = url;
    document.body.append(frame);
    return new Promise((resolve) => frame.addEventListener("load", resolve));
}"""
