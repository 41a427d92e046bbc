"""The drawn trees of errors match the classes, and messages are short and helpful."""

import copy
import inspect
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import ollama_rx
from ollama_rx import errors
from ollama_rx.errors import (
    BadJsonError,
    BadLineError,
    BusyError,
    EmbeddedModelError,
    FirstChunkTimeout,
    IdleTimeout,
    IncompleteStreamError,
    LineTooLongError,
    ModelNotFoundError,
    OllamaError,
    RateLimitedError,
    RestartedError,
    ServerError,
    SinkError,
    StatusError,
    TimedOutError,
    TotalTimeout,
    UnauthorizedError,
    UnreachableError,
    excerpt,
)

README = Path(__file__).parent.parent / "README.md"
LINE = re.compile(r"^(?P<branch>[│ ├└─]*)(?P<name>\w+)(?P<rest>.*)$")

Tree = dict[str, str | None]


def parse_tree(text: str) -> tuple[Tree, dict[str, set[str]]]:
    """Parse a drawn tree: the parent and the attributes of each error."""
    parents: Tree = {}
    attributes: dict[str, set[str]] = {}
    above: list[tuple[int, str]] = []
    lines = text[text.index("OllamaError") :].splitlines()
    for line in lines:
        match = LINE.match(line.removeprefix("    ") if parents else line)
        if not match or (parents and not match["branch"]):
            break
        depth = len(match["branch"])
        while above and above[-1][0] >= depth:
            above.pop()
        parents[match["name"]] = above[-1][1] if above else None
        attributes[match["name"]] = set(re.findall(r"\.(\w+)", match["rest"]))
        above.append((depth, match["name"]))
    return parents, attributes


def tree_of_classes() -> Tree:
    found = {
        name: kind
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, OllamaError)
    }
    return {name: None if kind is OllamaError else kind.__mro__[1].__name__ for name, kind in found.items()}


def _pickle_and_unpickle(error: OllamaError) -> OllamaError:
    found: OllamaError = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    return found


EXAMPLES: list[OllamaError] = [
    UnreachableError("http://x", "refused"),
    StatusError(400, "bad"),
    ModelNotFoundError(404, "no such model"),
    UnauthorizedError(401, "unauthorized", signin_url="https://x"),
    RateLimitedError(429, "slow down"),
    BusyError(503, "busy"),
    ServerError("out of memory"),
    IncompleteStreamError("the connection was cut"),
    BadLineError(b"<html>"),
    BadJsonError("not JSON from here on", partial=""),
    LineTooLongError(5),
    RestartedError(2),
    FirstChunkTimeout(1.0),
    IdleTimeout(1.0),
    TotalTimeout(1.0),
    TimedOutError(1.0),
    SinkError(print, "broken"),
    EmbeddedModelError("the model is missing"),
]


def test_the_tree_in_the_module_docstring_matches_the_classes() -> None:
    parents, attributes = parse_tree(errors.__doc__ or "")
    assert parents == tree_of_classes()
    for error in EXAMPLES:
        for kind in type(error).__mro__:
            assert all(hasattr(error, name) for name in attributes.get(kind.__name__, ()))


def test_the_tree_in_the_readme_matches_the_classes() -> None:
    block = re.search(
        r"OllamaError\b[^\n]*\n\s*[├└].*?(?=```)", README.read_text(encoding="utf-8"), re.DOTALL
    )
    if block is None:
        pytest.skip("the README has no tree")
    assert parse_tree(block[0])[0] == tree_of_classes()


def test_every_error_is_public() -> None:
    assert tree_of_classes().keys() <= set(ollama_rx.__all__)


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, StatusError, False),
        (401, UnauthorizedError, False),
        (403, StatusError, False),
        (404, ModelNotFoundError, False),
        (429, RateLimitedError, True),
        (500, StatusError, False),
        (502, StatusError, True),
        (503, BusyError, True),
    ],
)
def test_a_status_gives_the_most_specific_error(
    status: int, kind: type[StatusError], *, retryable: bool
) -> None:
    error = StatusError.of(status, "why", signin_url="https://x")
    assert type(error) is kind
    assert (error.status, error.reason, error.signin_url) == (status, "why", "https://x")
    assert error.retryable == retryable


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_every_error_has_a_retryable_flag_and_a_message(error: OllamaError) -> None:
    assert isinstance(error.retryable, bool)
    assert len(str(error)) > 10


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("again", [copy.copy, _pickle_and_unpickle])
def test_an_error_can_be_copied_and_pickled_with_its_attributes(
    error: OllamaError, again: Callable[[OllamaError], OllamaError]
) -> None:
    found = again(error)
    assert type(found) is type(error)
    assert str(found) == str(error)
    assert vars(found) == vars(error)


def test_the_retryable_errors() -> None:
    retryable = {type(error).__name__ for error in EXAMPLES if error.retryable}
    assert retryable == {
        "UnreachableError",
        "RateLimitedError",
        "BusyError",
        "IncompleteStreamError",
        "RestartedError",
        "FirstChunkTimeout",
        "IdleTimeout",
    }
    assert ServerError("x", status=503).retryable


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (UnreachableError("http://x:1", "refused"), "cannot reach http://x:1 (refused); is `ollama serve`"),
        (UnreachableError("nats://x:1", "refused"), "cannot reach nats://x:1 (refused); is the NATS server"),
        (UnreachableError("tls://x:1", "refused"), "cannot reach tls://x:1 (refused); is the NATS server"),
        (
            RestartedError(2),
            "the answer was begun anew (attempt 2) after a part of it had arrived; ask again",
        ),
        (ModelNotFoundError(404, "model 'x' not found"), "HTTP 404: model 'x' not found; `ollama list`"),
        (
            ModelNotFoundError(404, "404 page not found"),
            "HTTP 404: 404 page not found; does the host point at",
        ),
        (UnauthorizedError(401, ""), "HTTP 401: no reason given; sign in with `ollama signin`"),
        (BadLineError(b"<html>"), "not an Ollama stream: '<html>'; does the host"),
        (LineTooLongError(5), "a line is longer than 5 bytes; raise `max_line_bytes`"),
        (FirstChunkTimeout(1.5), "no first chunk within 1.5 s; see `Timeouts`"),
        (IdleTimeout(60.0), "no further chunk within 60 s"),
        (TotalTimeout(60.0), "no complete answer within 60 s"),
        (SinkError([], "broken"), "sink list failed: broken"),
    ],
)
def test_a_message_holds_advice(error: OllamaError, advice: str) -> None:
    assert str(error).startswith(advice)


LONG = "prompt " * 1000


@pytest.mark.parametrize(
    "error",
    [
        StatusError(500, LONG),
        ServerError(LONG, partial=LONG),
        BadLineError(LONG.encode(), partial=LONG),
        IncompleteStreamError("cut", partial=LONG),
        IdleTimeout(5.0, partial=LONG),
    ],
)
def test_a_message_holds_at_most_eighty_characters_of_the_servers_text(error: OllamaError) -> None:
    assert len(str(error)) < 200


def test_a_shortened_excerpt_keeps_both_ends() -> None:
    assert excerpt("a" * 40 + "b" * 40) == "a" * 40 + "b" * 40
    assert excerpt("a" * 40 + "-" + "b" * 40) == "a" * 39 + "…" + "b" * 40


def test_an_excerpt_may_be_longer_where_a_reason_needs_it() -> None:
    assert excerpt("a" * 300, most=300) == "a" * 300
    assert excerpt("a" * 301, most=300) == "a" * 149 + "…" + "a" * 150


def test_an_excerpt_has_no_control_characters_which_a_terminal_would_obey() -> None:
    assert excerpt("no\x1b[31m such\r\nvoice\x9b2J") == r"no\x1b[31m such  voice\x9b2J"


NO_HOST = (
    'pull model manifest: Get "https://registry.example/v2/library/llama3.2/manifests/latest": dial tcp: '
    "lookup registry.example on 192.0.2.1: no such host"
)


@pytest.mark.parametrize("error", [ServerError(NO_HOST, task="pull"), StatusError(500, NO_HOST)])
def test_the_cause_at_the_end_of_a_long_reason_is_shown(error: ServerError | StatusError) -> None:
    assert str(error).endswith(": no such host")
    assert "pull model manifest" in str(error)
    assert error.reason == NO_HOST


@pytest.mark.parametrize("task", ["answer", "pull", "push", "create"])
def test_the_message_says_what_the_server_stopped(task: str) -> None:
    assert str(ServerError("out of space", task=task)) == f"the server stopped the {task}: out of space"


@pytest.mark.parametrize(
    "reason",
    [
        "an error was encountered while running the model: unexpected EOF",
        "model runner has unexpectedly stopped, this may be due to resource limitations",
        "read tcp: wsarecv: An existing connection was forcibly closed by the remote host.",
    ],
)
def test_a_model_whose_process_died_is_worth_a_retry(reason: str) -> None:
    assert ServerError(reason).retryable
    assert StatusError(500, reason).retryable
    assert not StatusError(400, reason).retryable  # "unexpected EOF" is also what a cut request body gets
    assert not ServerError("CUDA error: out of memory").retryable


def test_the_partial_text_is_kept_in_the_error() -> None:
    assert ServerError("x", partial="so far").partial == "so far"
    assert IdleTimeout(5.0, partial="so far").partial == "so far"
    assert BadLineError(b"x", partial="so far").partial == "so far"
    assert LineTooLongError(1, partial="so far").partial == "so far"


@pytest.mark.parametrize(
    ("reason", "advised"),
    [
        ("m does not support tools", True),
        ('"m" does not support thinking', True),
        ("no support for x", False),
    ],
)
def test_a_model_without_a_capability_is_explained(reason: str, advised: bool) -> None:  # noqa: FBT001
    message = str(StatusError.of(400, reason))
    assert message.endswith("; `ollama show` lists what a model can do") is advised
