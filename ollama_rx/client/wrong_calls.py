"""Say what a wrong call is called here: one of another library, a misspelt name, an option out of place."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

T = TypeVar("T")

_MODEL_FIRST = {"chat", "generate", "embed"}  # take the model first in Ollama's own client
_ONE_CHUNK = "op.whole_answer() gives the whole answer as one chunk"
_TO_HTTPX = "pass an httpx transport that has it as transport="

# What an argument of another client is called here.
_ARGUMENTS: Mapping[str, str] = {
    "stream": f"is not needed: every answer is a stream, and {_ONE_CHUNK}",
    "input": "is called `text`",
    "timeout": "is called `timeouts`: Timeouts(first_chunk=...)",
    "base_url": "is called `host`",
    "modelfile": "is not known to servers any more: use from_, system, template, parameters",
    "path": "is not known to servers any more: use files=",
    "name": "is called `model`",
    "max_tokens": "is an option: options={'num_predict': ...}",
    **dict.fromkeys(
        ("verify", "cert", "proxy", "mounts", "http2", "trust_env", "auth", "cookies", "limits"),
        f"is an argument of httpx: {_TO_HTTPX}",
    ),
    "follow_redirects": f"is not supported, because a key belongs to one host; {_TO_HTTPX}",
}
# Source: https://github.com/ollama/ollama/blob/main/api/types.go (Options)
_OPTIONS = frozenset(
    {
        "num_keep",
        "seed",
        "num_predict",
        "top_k",
        "top_p",
        "min_p",
        "typical_p",
        "repeat_last_n",
        "temperature",
        "repeat_penalty",
        "presence_penalty",
        "frequency_penalty",
        "stop",
        "num_ctx",
        "num_batch",
        "num_gpu",
        "main_gpu",
        "use_mmap",
        "num_thread",
    }
)
_METHODS: Mapping[str, str] = {
    "list": "models()",
    "ps": "running()",
    "embeddings": "embed(text)",
    "stream": "generate(prompt) or chat(messages): every answer is a stream",
}


def explain_wrong_calls(kind: type[T]) -> type[T]:
    """Make the methods of a class explain calls that do not fit their signatures."""
    for name, method in tuple(vars(kind).items()):
        is_public = name == "__init__" or not name.startswith("_")
        if is_public and inspect.isfunction(method) and not inspect.iscoroutinefunction(method):
            setattr(kind, name, _explaining(method))
    return kind


def missing_attribute(kind: type, name: str) -> AttributeError:
    """Build the error for an attribute that a class does not have."""
    hint = f"; it is called {_METHODS[name]} here" if name in _METHODS else ""
    return AttributeError(f"{kind.__name__!r} object has no attribute {name!r}{hint}", name=name)


def _explaining(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(*args: object, **keywords: object) -> object:
        try:
            return method(*args, **keywords)
        except TypeError as error:
            signature = inspect.signature(method)
            if _fits(signature, args, keywords):
                raise  # from inside the method
            name = "Client" if method.__name__ == "__init__" else method.__name__
            problems = "; ".join(_problems(name, signature, args, keywords)) or str(error)
            raise TypeError(f"{name}: {problems}") from error

    return cast("Callable[..., Any]", call)


def _fits(signature: inspect.Signature, args: tuple[object, ...], keywords: Mapping[str, object]) -> bool:
    try:
        signature.bind(*args, **keywords)
    except TypeError:
        return False
    return True


def _problems(
    name: str, signature: inspect.Signature, args: tuple[object, ...], keywords: Mapping[str, object]
) -> Iterator[str]:
    """Yield what is wrong with a call, in words of this library."""
    parameters = [one for one in signature.parameters if one != "self"]
    positional = [one.name for one in signature.parameters.values() if one.kind is one.POSITIONAL_OR_KEYWORD]
    too_many = len(args) > len(positional) or any(one in keywords for one in positional[: len(args)])
    if too_many and name in _MODEL_FIRST:
        yield f"`model` is a keyword here: {name}({positional[1]}, model=...)"
    elif too_many:
        yield f"expected {', '.join(positional[1:]) or 'nothing'} by position, and all else by name"
    for keyword in keywords:
        if keyword not in parameters:
            yield f"`{keyword}` {_meaning(keyword, parameters)}"


def _meaning(keyword: str, parameters: list[str]) -> str:
    """Say what an unknown argument is called here."""
    if keyword in _OPTIONS and "options" in parameters:
        return f"is an option: options={{'{keyword}': ...}}"
    if keyword in _ARGUMENTS:
        return _ARGUMENTS[keyword]
    from difflib import get_close_matches  # noqa: PLC0415 - only for this message

    close = get_close_matches(keyword, parameters, 1)
    return f"is not an argument; did you mean `{close[0]}`?" if close else "is not an argument"
