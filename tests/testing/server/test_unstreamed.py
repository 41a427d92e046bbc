"""A request with ``"stream": false`` gets one JSON object, as from Ollama."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from ollama_rx.testing import (
    FakeOllama,
    Gate,
    Reply,
    answer,
    byte_by_byte,
    cut,
    endless,
    error_status,
    line,
    loaded,
    midstream_error,
    piece,
    progress,
    raw_reply,
    recording,
    text_reply,
    thinking,
    tool_call,
)

GENERATE = {"model": "m", "prompt": "Hi you", "stream": False}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi you"}], "stream": False}


def post(reply: Reply | None, path: str = "/api/generate", body: dict[str, Any] = GENERATE) -> httpx.Response:
    on = {} if reply is None else {path: reply}
    with FakeOllama(on=on) as fake:
        return httpx.post(f"{fake.url}{path}", json=body)


def test_without_a_script_the_whole_prompt_is_repeated_in_one_object() -> None:
    response = post(None)
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    value = response.json()
    assert (value["response"], value["done"], value["done_reason"]) == ("Hi you", True, "stop")
    assert (value["context"], value["eval_count"]) == ([2, 4], 2)


def test_a_chat_has_everything_in_its_message() -> None:
    script = answer(thinking("h"), thinking("m"), "Hel", "lo", tool_call("f", {"x": 1}), tool_call("g"))
    value = post(script, "/api/chat", CHAT).json()
    message = value["message"]
    assert [message["role"], message["content"], message["thinking"]] == ["assistant", "Hello", "hm"]
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["f", "g"]
    assert value["done"]
    assert value["eval_count"] == 6


def test_an_answer_of_generate_has_thinking_and_log_probabilities_beside_it() -> None:
    probability = {"token": "Hi", "logprob": -0.5}
    value = post(answer(thinking("hm"), piece("Hi", logprobs=[probability]), piece("!"))).json()
    assert (value["response"], value["thinking"], value["logprobs"]) == ("Hi!", "hm", [probability])


@pytest.mark.parametrize("path", ["/api/pull", "/api/push", "/api/create"])
def test_long_tasks_give_their_last_status(path: str) -> None:
    assert post(None, path, {"model": "m", "stream": False}).json() == {"status": "success"}
    assert post(progress("a", "b", success=False), path).json() == {"status": "b"}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (midstream_error("boom"), 500),
        (midstream_error("too many", shape="remote", status=429), 429),
        (midstream_error(shape="signin"), 401),
        (line({"error": "odd", "StatusCode": "x"}), 500),
    ],
)
def test_an_error_in_the_stream_is_the_status(error: Any, status: int) -> None:
    with FakeOllama(answer("Hel", error, ending="none")) as fake:
        response = httpx.post(f"{fake.url}/api/generate", json=GENERATE)
        assert (response.status_code, fake.exchanges[0].status) == (status, status)
    assert "error" in response.json()


def test_an_error_after_the_head_has_the_status_that_was_sent() -> None:
    with FakeOllama(answer("a", midstream_error()).sent(headers_first=True)) as fake:
        response = httpx.post(f"{fake.url}/api/generate", json=GENERATE)
        assert (response.status_code, fake.exchanges[0].status) == (200, 200)


def test_an_answer_without_its_last_line_is_not_done() -> None:
    value = post(answer("Hel", "lo", ending="none")).json()
    assert (value["response"], value["done"]) == ("Hello", False)


def test_the_answer_comes_when_its_gates_are_open() -> None:
    gate = Gate()
    with FakeOllama(answer("Hel", gate, "lo")) as fake, ThreadPoolExecutor() as threads:
        response = threads.submit(httpx.post, f"{fake.url}/api/generate", json=GENERATE)
        exchange = fake.wait_for_request()
        assert exchange.bytes_written == 0
        gate.open()
        assert response.result().json()["response"] == "Hello"


def test_a_cut_answer_never_begins() -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        post(answer("Hel", cut(), "lo"))


def test_an_endless_answer_never_comes_but_others_do_meanwhile() -> None:
    async def main(fake: FakeOllama) -> None:
        async with httpx.AsyncClient(base_url=fake.url) as client:
            endless_answer = asyncio.create_task(client.post("/api/chat", json=CHAT))
            await fake.aio.wait_for_request(path="/api/chat")
            other = await client.post("/api/generate", json=GENERATE)
            assert other.json()["response"] == "Hi you"
            endless_answer.cancel()
            assert (await fake.aio.wait_for_disconnect()).request.path == "/api/chat"

    with FakeOllama(on={"/api/chat": answer(endless())}) as fake:
        asyncio.run(main(fake))


def test_a_recording_is_joined_too_and_may_be_sent_in_any_pieces() -> None:
    lines = b'{"response":"Hel","done":false}\n\n{"response":"lo","done":true}'
    expected = {"response": "Hello", "done": True}
    assert post(recording(lines)).json() == expected
    assert post(recording(lines).sent(byte_by_byte, framing="length")).json() == expected


@pytest.mark.parametrize("body", [b"", b"{broken\n", b"[]\n", b'{"response":"a"}\n7\n'])
def test_what_is_not_a_stream_of_objects_is_sent_as_it_is(body: bytes) -> None:
    assert post(recording(body)).content == body


@pytest.mark.parametrize("reply", [loaded(), error_status(404), text_reply("<html>", status=502)])
def test_other_replies_are_not_changed(reply: Reply) -> None:
    streamed = post(reply, body={"model": "m", "prompt": "Hi"})
    assert (post(reply).status_code, post(reply).text[:30]) == (streamed.status_code, streamed.text[:30])


def test_bytes_that_are_not_http_are_not_changed() -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        post(raw_reply(b"HTTP/1.1 2"))


def test_the_official_client_works_with_its_default_arguments() -> None:
    ollama = pytest.importorskip("ollama")
    with FakeOllama() as fake, ExitStack() as stack:
        client = ollama.Client(fake.url)
        stack.enter_context(client._client)
        assert client.generate("m", "Hi you").response == "Hi you"
        assert client.chat("m", [{"role": "user", "content": "Hi you"}]).message.content == "Hi you"
        assert client.pull("m").status == "success"
        assert len(client.embeddings("m", "Hi").embedding) == 8
