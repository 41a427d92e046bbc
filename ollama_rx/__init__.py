"""Ollama's token streams as reactivex Observables.

The public names are defined in `_public.py`, which is imported when the first of them is used: the command
line is part of this package, and its ``--help`` needs neither httpx nor reactivex.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ollama_rx import _public
    from ollama_rx._public import *  # noqa: F403 - all of them, for type checkers

    __all__: list[str] = []
    __all__ += _public.__all__
else:

    def __getattr__(name: str) -> object:
        if (
            name in {"deliver", "iterate", "__all__"} or name[:1].isupper()
        ):  # or a submodule that is not imported yet
            names = vars(import_module("ollama_rx._public"))
            if name in names:
                return globals().setdefault(name, names[name])
        raise AttributeError(f"module 'ollama_rx' has no attribute {name!r}", name=name)

    def __dir__() -> list[str]:
        return [*globals(), *__getattr__("__all__")]
