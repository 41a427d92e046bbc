"""A conversation takes the arguments of `Client.chat` that it does not have itself."""

import inspect
from typing import get_type_hints

from ollama_rx import Client
from ollama_rx.conversation.chat_arguments import ChatArguments


def test_the_arguments_are_those_of_chat_with_their_types() -> None:
    own = {"self", "messages", "model", "tools", "return"}
    chat = get_type_hints(Client.chat)
    assert get_type_hints(ChatArguments) == {name: kind for name, kind in chat.items() if name not in own}
    names = [name for name in inspect.signature(Client.chat).parameters if name not in own]
    assert list(ChatArguments.__annotations__) == names
