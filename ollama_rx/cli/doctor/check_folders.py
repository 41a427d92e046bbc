"""The folders for data and for the embedded model's weights: whether they can be written, and their space."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile

from ollama_rx.cli.doctor.finding import Finding, Target
from ollama_rx.cli.output.sizes import format_size
from ollama_rx.data_folder import DATA_VARIABLE, data_folder
from ollama_rx.embedded import EmbeddedModelError, cache_folder

TITLE = "Folders"
POSITION = 9

_LEAST_BYTES = 200_000_000  # what fetching the weights takes


def check(_: Target) -> Iterator[Finding]:
    """Try to write into the folders, or into what would hold them."""
    yield _look_at("data", data_folder, variable=DATA_VARIABLE)
    yield _look_at("weights", cache_folder, variable="XDG_CACHE_HOME")


def _look_at(name: str, folder_of: Callable[[], Path], *, variable: str) -> Finding:
    try:
        folder = folder_of()
    except (OSError, EmbeddedModelError) as error:
        return Finding(name=name, status="problem", text=str(error))
    fields: dict[str, object] = {"path": str(folder)}
    try:
        there = next(place for place in (folder, *folder.parents) if place.exists())
        with TemporaryFile(dir=there):
            free = shutil.disk_usage(there).free
    except OSError as error:
        text = f"{folder} cannot be written ({error.strerror}); {variable} chooses another folder"
        return Finding(name=name, status="problem", text=text, fields=fields)
    fields["free_bytes"] = free
    if free < _LEAST_BYTES:
        text = f"{folder}: only {format_size(free) or 'nothing'} free; {variable} chooses another folder"
        return Finding(name=name, status="problem", text=text, fields=fields)
    return Finding(name=name, status="ok", text=f"{folder}, {format_size(free)} free", fields=fields)
