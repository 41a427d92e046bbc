"""Files are read up to a limit; those that a chat attaches must be on a disk."""

import os
from pathlib import Path

import pytest

from ollama_rx.cli.user_files import read_regular_file


def test_a_file_on_a_disk_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"text")
    assert read_regular_file(tmp_path / "a.txt", "a.txt", most=4) == b"text"


def test_a_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(bytes(2**20 + 1))
    with pytest.raises(ValueError, match=r"^a\.txt is longer than 1 MB$"):
        read_regular_file(tmp_path / "a.txt", "a.txt", most=2**20)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^docs is a folder; name a file in it$"):
        read_regular_file(tmp_path, "docs", most=1)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^a\.txt: No such file or directory$"):
        read_regular_file(tmp_path / "a.txt", "a.txt", most=1)


@pytest.mark.timeout(30)
def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match=r"^pipe is a pipe or a device, not a file$"):
        read_regular_file(tmp_path / "pipe", "pipe", most=1)


def test_a_device_is_refused() -> None:
    with pytest.raises(ValueError, match="not a file"):
        read_regular_file(Path("/dev/zero"), "/dev/zero", most=1)
