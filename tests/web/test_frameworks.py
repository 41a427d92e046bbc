"""`sse_response` and `Replay` work alike in Starlette, in FastAPI, and as an application of their own."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.responses import Response as FastResponse
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from ollama_rx import Client
from ollama_rx.testing import FakeOllama, Gate, answer, endless
from ollama_rx.web import Replay, sse_response
from tests.web.serving import served

pytestmark = pytest.mark.usefixtures("no_thread_left")

MakeApp = Callable[[Client], ASGIApp]


def bare(client: Client) -> ASGIApp:
    return sse_response(client.generate("Hi"))


def bare_replay(client: Client) -> ASGIApp:
    return sse_response(client.generate("Hi"), replay=Replay(grace=0))


def starlette(client: Client) -> ASGIApp:
    async def ask(_: Request) -> Response:
        return sse_response(client.generate("Hi"))

    return Starlette(routes=[Route("/", ask)])


def starlette_sync(client: Client) -> ASGIApp:
    def ask(_: Request) -> Response:  # called on a thread; the stream begins on the event loop
        return sse_response(client.generate("Hi"))

    return Starlette(routes=[Route("/", ask)])


def starlette_mounted(client: Client) -> ASGIApp:
    return Starlette(routes=[Mount("/", app=sse_response(client.generate("Hi")))])


def starlette_middleware(client: Client) -> ASGIApp:
    async def ask(_: Request) -> Response:
        return sse_response(client.generate("Hi"))

    async def pass_on(request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)

    middleware = [Middleware(BaseHTTPMiddleware, dispatch=pass_on), Middleware(GZipMiddleware)]
    return Starlette(routes=[Route("/", ask)], middleware=middleware)


def fastapi(client: Client) -> ASGIApp:
    app = FastAPI()

    @app.get("/")
    async def ask() -> FastResponse:
        return sse_response(client.generate("Hi"))

    return app


def fastapi_sync(client: Client) -> ASGIApp:
    app = FastAPI()

    @app.get("/")
    def ask() -> FastResponse:
        return sse_response(client.generate("Hi"))

    return app


def fastapi_dependency(client: Client) -> ASGIApp:
    app = FastAPI()

    async def get_client() -> Client:
        return client

    @app.get("/")
    async def ask(its_client: Annotated[Client, Depends(get_client)]) -> FastResponse:
        return sse_response(its_client.generate("Hi"))

    return app


every_framework = pytest.mark.parametrize(
    "make_app",
    [
        bare,
        bare_replay,
        starlette,
        starlette_sync,
        starlette_mounted,
        starlette_middleware,
        fastapi,
        fastapi_sync,
        fastapi_dependency,
    ],
)


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


@pytest.fixture
def client(fake: FakeOllama) -> Iterator[Client]:
    with Client(fake.url, model="m") as client:
        yield client


def data_lines(response: httpx.Response) -> Iterator[str]:
    return (line for line in response.iter_lines() if line.startswith("data: "))


@every_framework
def test_events_arrive_while_the_model_still_answers(
    make_app: MakeApp, fake: FakeOllama, client: Client
) -> None:
    rest = Gate()
    fake.play(answer("One", rest, " two"))
    with served(make_app(client)) as url, httpx.stream("GET", url, trust_env=False) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        lines = data_lines(response)
        assert next(lines) == 'data: {"text":"One"}'
        rest.open()
        assert next(lines) == 'data: {"text":" two"}'
        assert list(lines)[-1] == 'data: {"reason":"completed"}'


@every_framework
def test_the_model_stops_when_the_reader_leaves(make_app: MakeApp, fake: FakeOllama, client: Client) -> None:
    fake.play(answer("One", endless(" more", every=0.01)))
    with served(make_app(client)) as url:
        with httpx.stream("GET", url, trust_env=False) as response:
            next(data_lines(response))
        fake.wait_for_disconnect()


@every_framework
def test_the_model_stops_when_the_reader_of_a_silent_stream_leaves(
    make_app: MakeApp, fake: FakeOllama, client: Client
) -> None:
    fake.play(answer("One", Gate(), "never sent"))
    with served(make_app(client)) as url:
        with httpx.stream("GET", url, trust_env=False) as response:
            next(data_lines(response))
        fake.wait_for_disconnect()


def test_fastapi_runs_background_tasks_and_ends_dependencies_after_the_last_event(
    fake: FakeOllama, client: Client
) -> None:
    app, rest, log = FastAPI(), Gate(), list[str]()
    fake.play(answer("One", rest, " two"))

    async def session() -> Any:
        log.append("session begins")
        yield "a session"
        log.append("session ends")

    @app.get("/")
    async def ask(tasks: BackgroundTasks, _: Annotated[str, Depends(session)]) -> FastResponse:
        tasks.add_task(log.append, "task")
        return sse_response(client.generate("Hi"))

    with served(app) as url, httpx.stream("GET", url, trust_env=False) as response:
        lines = data_lines(response)
        next(lines)
        assert log == ["session begins"]
        rest.open()
        assert list(lines)[-1] == 'data: {"reason":"completed"}'
    assert log == ["session begins", "task", "session ends"]


def test_starlette_runs_a_background_task_after_the_last_event(fake: FakeOllama, client: Client) -> None:
    fake.play(answer("One"))
    log: list[str] = []

    async def ask(_: Request) -> Response:
        response = sse_response(client.generate("Hi"))
        response.background = BackgroundTask(log.append, "task")
        response.set_cookie("seen", "yes")
        return response

    with served(Starlette(routes=[Route("/", ask)])) as url:
        response = httpx.get(url, trust_env=False)
    assert response.headers["set-cookie"].startswith("seen=yes")
    assert log == ["task"]


def test_a_replay_is_begun_in_one_endpoint_and_followed_in_another_of_fastapi(
    fake: FakeOllama, client: Client
) -> None:
    app, replays, rest = FastAPI(), dict[str, Replay](), Gate()
    fake.play(answer("One", rest, " two"))

    @app.post("/{name}")
    async def begin(name: str) -> None:
        replays[name] = Replay()
        replays[name].start(client.generate("Hi"))

    @app.get("/{name}")
    def follow(name: str) -> FastResponse:
        return sse_response(replay=replays[name])

    with served(app) as url, httpx.Client(base_url=url, trust_env=False) as browser:
        browser.post("/a").raise_for_status()
        with browser.stream("GET", "/a") as first:
            seen = next(line for line in first.iter_lines() if line.startswith("id: "))
        with browser.stream("GET", "/a") as second:
            assert next(data_lines(second)) == 'data: {"text":"One"}'
        with browser.stream("GET", "/a", headers={"Last-Event-ID": seen[4:]}) as back:
            rest.open()
            assert next(data_lines(back)) == 'data: {"text":" two"}'
    assert len(fake.requests) == 1


def test_a_request_that_fails_is_an_event(fake: FakeOllama, client: Client) -> None:
    fake.close()
    with served(starlette(client)) as url:
        response = httpx.get(url, trust_env=False)
    assert response.status_code == 200
    assert "event: error\n" in response.text
    assert '"type":"UnreachableError"' in response.text
