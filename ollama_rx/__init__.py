"""Ollama's token streams as reactivex Observables.

The public names stand in `_public.py`. They are loaded when the first of them is used: the command line
lives in this package too, and its ``--help`` needs neither httpx nor reactivex.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ollama_rx import _public
    from ollama_rx._public import *  # noqa: F403 - for type checkers, all of them

    __all__: list[str] = []
    __all__ += _public.__all__
else:
    _FUNCTIONS = {"deliver", "iterate"}  # all other public names are classes

    class _Package(ModuleType):
        def __getattr__(self, name: str) -> object:
            if name in _FUNCTIONS or name[0].isupper() or name == "__all__":  # else a file, not loaded yet
                names = vars(import_module("ollama_rx._public"))
                if name in names:
                    self.__dict__[name] = names[name]
                    return names[name]
            raise AttributeError(f"module 'ollama_rx' has no attribute {name!r}", name=name)

        def __setattr__(self, name: str, value: object) -> None:
            if name in _FUNCTIONS and isinstance(value, ModuleType):
                return  # the import of deliver.py must not hide the function of that name
            super().__setattr__(name, value)

        def __dir__(self) -> list[str]:
            return [*super().__dir__(), *self.__all__]

    sys.modules[__name__].__class__ = _Package
