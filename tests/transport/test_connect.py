"""A name may have several addresses: the first one that answers is used, whatever the others do."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from ollama_rx import Client, Timeouts, UnreachableError
from ollama_rx.testing import FakeOllama, silent_url
from ollama_rx.transport import connect as connect_module
from ollama_rx.transport.connect import connect
from tests.transport.raw_server import ANSWER, raw_server, replies_with
from tests.transport.test_tls import context_for, trusted

__all__ = ["trusted"]  # a fixture

STREAM = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")

Run = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


def v4(host: str, port: int) -> tuple[Any, ...]:
    return (socket.AF_INET, *STREAM, (host, port))


def v6(host: str, port: int) -> tuple[Any, ...]:
    return (socket.AF_INET6, *STREAM, (host, port, 0, 0))


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    def run_main(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        factory = asyncio.new_event_loop
        if request.param == "uvloop":
            factory = pytest.importorskip("uvloop").new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(main())

    return run_main


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets the addresses of every name."""
    monkeypatch.setattr(connect_module, "_STAGGER", 0.01)

    def resolve_to(*addresses: tuple[Any, ...]) -> None:
        async def resolved(_host: str, _port: int) -> list[tuple[Any, ...]]:
            return list(addresses)

        monkeypatch.setattr(connect_module, "_resolve", resolved)

    return resolve_to


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
    """Record the sockets that are made for the addresses of a name."""
    made: list[socket.socket] = []

    class Recorded(socket.socket):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            made.append(self)

    monkeypatch.setattr(connect_module, "socket", SimpleNamespace(socket=Recorded))
    return made


def test_a_dead_address_does_not_hide_the_one_that_answers(
    resolve: Callable[..., None], sockets: list[socket.socket], run: Run
) -> None:
    async def main() -> None:
        async with Client(f"http://name.example:{port}", model="echo") as client:
            assert (await client.generate("x")).done
            assert [made.fileno() < 0 for made in sockets] == [True, False]

    with silent_url() as url:
        port = port_of(url)
        resolve(v4("127.0.0.1", port), v4("127.0.0.2", port))
        with FakeOllama(host="127.0.0.2", port=port):
            run(main)


def test_after_a_refusal_the_next_address_is_tried_at_once(
    resolve: Callable[..., None], monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    async def main() -> None:
        async with Client(f"http://name.example:{port_of(fake.url)}", model="echo") as client:
            assert (await client.generate("x")).done

    with FakeOllama(host="127.0.0.2") as fake:
        resolve(
            v6("::1", port_of(fake.url)),
            v4("127.0.0.1", port_of(fake.url)),
            v4("127.0.0.2", port_of(fake.url)),
        )
        monkeypatch.setattr(connect_module, "_STAGGER", 1e6)
        run(main)


def test_the_error_names_what_became_of_each_address(resolve: Callable[..., None], run: Run) -> None:
    async def main() -> None:
        async with Client(f"http://name.example:{port}", timeouts=Timeouts(connect=0.1), model="m") as client:
            with pytest.raises(UnreachableError) as caught:
                await client.generate("x")
            for part in (
                "timed out while connecting",
                "127.0.0.1: no answer",
                "127.0.0.2: Connection refused",
            ):
                assert part in str(caught.value)
            resolve(v4("127.0.0.2", port), v4("127.0.0.3", port))
            with pytest.raises(UnreachableError) as caught:
                await client.generate("x")
            for part in ("127.0.0.2: Connection refused", "127.0.0.3: Connection refused"):
                assert part in str(caught.value)

    with silent_url() as url:
        port = port_of(url)
        resolve(v4("127.0.0.1", port), v4("127.0.0.2", port))
        run(main)


def test_a_family_that_this_computer_does_not_have_is_passed_over(
    resolve: Callable[..., None], run: Run
) -> None:
    async def main() -> None:
        async with Client(f"http://name.example:{port_of(fake.url)}", model="echo") as client:
            assert (await client.generate("x")).done

    with FakeOllama() as fake:
        resolve((9999, *STREAM, ("nowhere", 1)), v4("127.0.0.1", port_of(fake.url)))
        run(main)


@pytest.mark.parametrize("second_fails", [False, True])
def test_of_two_attempts_that_end_in_the_same_moment_one_connection_is_left(
    second_fails: object, resolve: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[socket.socket] = []

    async def main() -> None:
        both = asyncio.Barrier(2)

        async def end_together(*_: object) -> socket.socket | None:
            await both.wait()
            if made and second_fails:
                return None
            made.append(socket.socket())
            return made[-1]

        monkeypatch.setattr(connect_module, "_try_to_connect", end_together)
        winner = await connect_module._connect_to_any([v4("127.0.0.1", 1), v4("127.0.0.2", 1)], [])
        assert [each for each in made if each.fileno() >= 0] == [winner]
        assert len(made) == (1 if second_fails else 2)
        winner.close()

    resolve()
    asyncio.run(main())


def test_giving_up_leaves_no_socket(
    resolve: Callable[..., None], sockets: list[socket.socket], run: Run
) -> None:
    async def main() -> None:
        async with Client(url, model="m") as client:
            stream = client.generate("x").subscribe()
            while len(sockets) < 2:  # noqa: ASYNC110 - there is no event for a socket
                await asyncio.sleep(0)
            stream.dispose()
            while asyncio.all_tasks() != {asyncio.current_task()}:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0)
        assert [made.fileno() for made in sockets] == [-1, -1]

    with silent_url() as silent:
        port = port_of(silent)
        url = f"http://name.example:{port}"
        resolve(v4("127.0.0.1", port), v4("localhost", port))
        run(main)


def test_giving_up_after_an_attempt_has_succeeded_closes_its_socket(
    resolve: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = socket.socket()

    async def main() -> None:
        second_began = asyncio.Event()

        async def attempt(address_info: tuple[Any, ...], _failures: list[str]) -> object:
            if address_info == first:
                await second_began.wait()
                return made
            second_began.set()
            try:
                return await asyncio.get_running_loop().create_future()
            finally:
                connecting.cancel()  # the first attempt has won, and this one is being ended

        monkeypatch.setattr(connect_module, "_try_to_connect", attempt)
        connecting = asyncio.create_task(connect_module._connect_to_any([first, second], []))
        with pytest.raises(asyncio.CancelledError):
            await connecting
        assert made.fileno() < 0

    first, second = v4("127.0.0.1", 1), v4("127.0.0.2", 1)
    resolve()
    asyncio.run(main())


def test_families_alternate_and_no_address_is_tried_twice() -> None:
    addresses = [v6("::1", 1), v6("::2", 1), v6("::1", 1), v6("::3", 1), v4("127.0.0.1", 1)]
    found = [address[4][0] for address in connect_module._alternate_families(addresses)]
    assert found == ["::1", "127.0.0.1", "::2", "::3"]


@pytest.mark.usefixtures("trusted")
def test_the_certificate_is_that_of_the_name(resolve: Callable[..., None], run: Run) -> None:
    async def main() -> None:
        async with Client(f"https://name.example:{port_of(url)}", model="m") as client:
            assert (await client.generate("x")).text == "hello"

    with raw_server(replies_with(ANSWER), context=context_for("name.example")) as url:
        resolve(v4("127.0.0.1", port_of(url)), v4("127.0.0.2", port_of(url)))
        run(main)


@pytest.mark.usefixtures("trusted")
def test_a_name_with_one_address_is_resolved_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with Client(f"https://name.example:{port_of(url)}", model="m") as client:
            assert (await client.generate("x")).text == "hello"

    async def resolve_to_one(host: str, port: int) -> list[tuple[Any, ...]]:
        assert host == "name.example"
        return [v4("127.0.0.1", port)]

    monkeypatch.setattr(connect_module, "_resolve", resolve_to_one)
    with raw_server(replies_with(ANSWER), context=context_for("name.example")) as url:
        run(main)


def test_a_link_local_address_of_a_name_keeps_its_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async def found(*_: object, **__: object) -> list[tuple[Any, ...]]:
            return [(socket.AF_INET6, *STREAM, ("fe80::1", 80, 0, 2)), v6("::1", 80), v4("127.0.0.1", 80)]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
        resolved = await connect_module._resolve("name.example", 80)
        assert [address[0] for *_, address in resolved] == ["fe80::1%2", "::1", "127.0.0.1"]

    asyncio.run(main())


def test_a_name_of_this_computer_is_resolved(run: Run) -> None:
    async def main() -> None:
        async with Client(f"http://localhost:{port_of(fake.url)}", model="echo") as client:
            assert (await client.generate("x")).done

    with FakeOllama() as fake:
        run(main)


def test_a_name_without_an_address_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        with pytest.raises(httpx.ConnectError, match="Name or service not known"):
            await connect(asyncio.Protocol, "name.example", 80, tls=None, seconds=None)

    async def fail(_host: str, _port: int) -> list[tuple[Any, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(connect_module, "_resolve", fail)
    run(main)
