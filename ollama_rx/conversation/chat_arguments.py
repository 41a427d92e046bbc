"""The arguments of ``chat`` that a conversation passes on."""

from typing import TypedDict

from ollama_rx.client.bodies import Format, KeepAlive, Options, Think


class ChatArguments(TypedDict, total=False):
    """The arguments of `Client.chat` that a `Conversation` takes, for all turns or for one ``say``."""

    format: Format | None
    options: Options | None
    think: Think | None
    keep_alive: KeepAlive | None
    logprobs: bool | None
    top_logprobs: int | None
    truncate: bool | None
    shift: bool | None
