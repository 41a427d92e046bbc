"""The public names are complete, sorted, imported on first use, and not hidden by submodules."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ollama_rx
from ollama_rx import _public

ROOT = Path(__file__).parents[1]


def run(program: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_public_name_is_listed_once_and_sorted() -> None:
    names = ollama_rx.__all__
    assert names == sorted(set(names))
    assert [name for name in names if getattr(ollama_rx, name) is not getattr(_public, name)] == []
    assert set(names) <= set(dir(ollama_rx))


def test_a_star_import_has_the_public_names() -> None:
    assert run("from ollama_rx import *; print(Client.__name__, deliver.__name__)") == "Client deliver"


def test_an_unknown_name_raises_attribute_error() -> None:
    for name in ("nothing", "Nothing", ""):
        with pytest.raises(AttributeError, match=f"^module 'ollama_rx' has no attribute '{name}'$"):
            getattr(ollama_rx, name)


def test_importing_the_package_imports_no_dependency() -> None:
    program = "import sys, ollama_rx; print({'httpx', 'reactivex', 'orjson'} & set(sys.modules))"
    assert run(program) == "set()"


def test_a_submodule_can_be_imported_from_the_package() -> None:
    assert run("import ollama_rx; from ollama_rx import chunks; print(chunks.__name__)") == "ollama_rx.chunks"


def test_any_module_can_be_imported_first() -> None:
    paths = [*(ROOT / "ollama_rx").glob("*.py"), *(ROOT / "ollama_rx").glob("*/__init__.py")]
    files = [path.relative_to(ROOT).with_suffix("") for path in paths]
    modules = sorted({".".join(file.parts).removesuffix(".__init__") for file in files})
    assert len(modules) > 15
    run(f"""
import sys
from importlib import import_module
for module in {modules}:
    for loaded in [name for name in sys.modules if name.partition(".")[0] == "ollama_rx"]:
        del sys.modules[loaded]
    import_module(module)
""")
