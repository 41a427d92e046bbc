"""The many ways to write the name of one model.

Source: https://github.com/ollama/ollama/blob/main/types/model/name.go
"""

from ollama_rx.client.hosts.model_names import full_name

LIBRARY = "registry.ollama.ai/library/"
"""What the whole name of a model begins with if it names neither a server nor an account."""


def is_same_model(name: str, other: str) -> bool:
    """Check whether two names mean the same model, since both may leave out what is usual.

    >>> is_same_model("Library/Smollm2", "smollm2:latest")
    True
    >>> is_same_model("smollm2:135m", "smollm2:latest")
    False
    """
    return _whole(name) == _whole(other)


def _whole(name: str) -> str:
    missing = max(2 - name.count("/"), 0)  # of the server and the account before the model
    return "/".join((*LIBRARY.split("/")[:missing], full_name(name)))
