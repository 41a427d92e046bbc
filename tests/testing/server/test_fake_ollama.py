"""The fake server listens, follows its script, and leaves nothing behind."""

import json
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from ollama_rx.testing import FakeOllama, Reply, Request, answer, error_status, json_reply, pause

ASK = {"model": "m", "prompt": "Hi you"}


def text_of(response: httpx.Response) -> str:
    response.raise_for_status()
    lines: list[dict[str, str]] = [json.loads(line) for line in response.content.splitlines()]
    return "".join(line["response"] for line in lines)


def test_without_a_script_the_model_repeats_the_prompt() -> None:
    with FakeOllama() as fake:
        response = httpx.post(f"{fake.url}/api/generate", json=ASK)
    assert text_of(response) == "Hi you"
    assert response.headers["content-type"] == "application/x-ndjson"


def test_replies_are_given_in_order_and_the_last_one_repeats() -> None:
    with FakeOllama(error_status(503), answer("one"), answer("two")) as fake:
        statuses = [httpx.post(f"{fake.url}/api/generate", json=ASK) for _ in range(4)]
    assert [response.status_code for response in statuses] == [503, 200, 200, 200]
    assert [text_of(response) for response in statuses[1:]] == ["one", "two", "two"]


def test_generate_and_chat_share_one_script() -> None:
    with FakeOllama(answer("first"), answer("second")) as fake:
        first = httpx.post(f"{fake.url}/api/generate", json=ASK)
        second = httpx.post(f"{fake.url}/api/chat", json={"model": "m", "messages": []})
    assert text_of(first) == "first"
    assert json.loads(second.content.splitlines()[0])["message"] == {"role": "assistant", "content": "second"}


def test_a_reply_can_be_a_function_of_the_request() -> None:
    def script(request: Request) -> Reply:
        return answer(str(request.json["prompt"]).upper())

    with FakeOllama(script) as fake:
        assert text_of(httpx.post(f"{fake.url}/api/generate", json=ASK)) == "HI YOU"


def test_a_script_that_raises_gives_status_500_with_the_reason() -> None:
    def script(request: Request) -> Reply:
        raise KeyError(request.path)

    with FakeOllama(script) as fake:
        response = httpx.post(f"{fake.url}/api/generate", json=ASK)
    assert response.status_code == 500
    assert response.json() == {"error": "the script of FakeOllama failed: KeyError('/api/generate')"}


def test_other_paths_are_scripted_with_on() -> None:
    one, two = json_reply({"models": []}), json_reply({"models": [1]})
    with FakeOllama(on={"/api/tags": [one, two], "/api/version": error_status(500)}) as fake:
        tags = [httpx.get(f"{fake.url}/api/tags").json() for _ in range(2)]
        version = httpx.get(f"{fake.url}/api/version")
    assert tags == [{"models": []}, {"models": [1]}]
    assert version.status_code == 500


def test_play_changes_the_script_while_the_server_runs() -> None:
    with FakeOllama(answer("before")) as fake:
        before = text_of(httpx.post(f"{fake.url}/api/generate", json=ASK))
        fake.play(answer("after"))
        after = text_of(httpx.post(f"{fake.url}/api/generate", json=ASK))
    assert (before, after) == ("before", "after")


def test_recorded_exchanges_can_be_forgotten() -> None:
    with FakeOllama() as fake, httpx.Client() as client:
        client.post(f"{fake.url}/api/generate", json=ASK)
        fake.forget()
        assert fake.requests == ()
        client.get(f"{fake.url}/api/version")
        assert fake.wait_for_answer(1).request.path == "/api/version"


def test_a_send_buffer_must_have_a_positive_size() -> None:
    with pytest.raises(
        ValueError, match=r"^send_buffer_bytes: expected a whole number of at least 1, got 0$"
    ):
        FakeOllama(send_buffer_bytes=0)


def test_an_empty_script_raises_value_error() -> None:
    with pytest.raises(ValueError, match=r"^script: expected at least one reply, got \(\)$"):
        FakeOllama().play()


def test_the_url_is_not_known_before_the_start() -> None:
    with pytest.raises(RuntimeError, match="with FakeOllama"):
        _ = FakeOllama().url


def test_after_closing_the_url_refuses_connections() -> None:
    with FakeOllama() as fake:
        pass
    with pytest.raises(httpx.ConnectError):
        httpx.get(fake.url)


def test_a_server_can_be_started_only_once() -> None:
    with FakeOllama() as fake, pytest.raises(RuntimeError, match="already"):
        fake.start()


def test_closing_twice_or_before_the_start_has_no_effect() -> None:
    fake = FakeOllama()
    fake.close()
    with fake:
        fake.close()


def test_a_port_in_use_is_reported_and_leaves_no_thread() -> None:
    with FakeOllama() as fake:
        port = int(fake.url.rsplit(":", 1)[1])
        with pytest.raises(OSError, match="in use"):
            FakeOllama(port=port).start()
    assert "FakeOllama" not in {thread.name for thread in threading.enumerate()}


def test_the_server_can_listen_on_ipv6() -> None:
    with FakeOllama(host="::1") as fake:
        assert fake.url.startswith("http://[::1]:")
        assert httpx.get(fake.url).text == "Ollama is running"


def test_closing_ends_running_answers_and_leaves_no_thread() -> None:
    with FakeOllama(answer("Hel", pause(60))) as fake, httpx.Client() as client:
        request = client.build_request("POST", f"{fake.url}/api/generate", json=ASK)
        response = client.send(request, stream=True)
        exchange = fake.wait_for_lines(1)
        fake.close()
        with pytest.raises(httpx.TransportError):
            response.read()
    assert "FakeOllama" not in {thread.name for thread in threading.enumerate()}
    assert not exchange.disconnected


def test_a_malformed_request_gets_status_400_and_the_connection_is_closed() -> None:
    with FakeOllama() as fake:
        host, port = fake.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"nonsense\r\n\r\n")
            received = b"".join(iter(lambda: client.recv(4096), b""))
        fake.wait_for_connections(0)
    assert received.startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_connection_without_a_request_is_counted() -> None:
    with FakeOllama() as fake:
        host, port = fake.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))):
            fake.wait_for_connections(1)
        fake.wait_for_connections(0)
    assert fake.exchanges == ()


def test_a_body_that_raises_ends_the_connection_and_is_recorded() -> None:
    def steps(request: Request) -> Iterator[bytes]:
        yield b"one\n"
        raise KeyError(request.path)

    with FakeOllama(Reply(steps)) as fake, pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{fake.url}/api/generate", json=ASK)
    assert isinstance(fake.exchanges[0].failure, KeyError)
    assert "the script failed: KeyError('/api/generate')" in str(fake.exchanges[0])
