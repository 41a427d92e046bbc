"""The wheel holds one package, typed, with its data files."""

import email
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert done.returncode == 0, done.stdout + done.stderr
    [file] = folder.glob("*.whl")
    with zipfile.ZipFile(file) as opened:
        yield opened


@pytest.mark.installs
def test_the_wheel_has_one_top_level_package(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"ollama_rx"}


@pytest.mark.installs
def test_the_wheel_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    expected = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "ollama_rx").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {name for name in wheel.namelist() if ".dist-info" not in name} == expected
    assert "ollama_rx/py.typed" in expected
    assert any(name.endswith(".toml") for name in expected)  # the languages of the sentence splitter


@pytest.mark.installs
def test_the_metadata_of_the_wheel_matches_the_project(wheel: zipfile.ZipFile) -> None:
    [name] = [name for name in wheel.namelist() if name.endswith("METADATA")]
    metadata = email.message_from_bytes(wheel.read(name))
    assert (metadata["Name"], metadata["Version"]) == (PROJECT["name"], PROJECT["version"])
    assert metadata["Requires-Python"] == PROJECT["requires-python"]
    required = [text for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text]
    assert {text.partition("<")[0].partition(">")[0] for text in required} == {"httpx", "orjson", "reactivex"}
    [scripts] = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "ollama-rx = ollama_rx.cli:main" in wheel.read(scripts).decode()


@pytest.mark.installs
def test_the_wheel_works_without_the_source_tree(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = (
        "import ollama_rx, ollama_rx.operators as op; from reactivex import of, operators as ops;"
        "assert ollama_rx.__file__.startswith(sys.argv[1]) if (sys := __import__('sys')) else None;"
        "print(of('Hel', 'lo. Wor', 'ld.').pipe(op.split_sentences(), ops.to_list()).run())"
    )
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("['Hello.', 'World.']", "")
