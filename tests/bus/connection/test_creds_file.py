"""A credentials file is read for each connection, whatever is in it."""

from pathlib import Path

import pytest
from nats.errors import Error as NatsError

from ollama_rx.bus.connection.creds_file import CredsFile
from tests.bus.nats_accounts import NatsAccounts


@pytest.fixture(scope="module")
def text() -> str:
    return NatsAccounts().creds_of("ada")


def test_it_has_the_jwt_and_signs_whatever_the_line_ends_are(text: str, tmp_path: Path) -> None:
    unix, windows = tmp_path / "unix.creds", tmp_path / "windows.creds"
    unix.write_bytes(text.encode())
    windows.write_bytes(text.replace("\n", "\r\n").encode())
    one, other = CredsFile(unix), CredsFile(windows)
    assert one.user_jwt() == other.user_jwt() == text.splitlines()[1].encode()
    assert one.sign("nonce") == other.sign("nonce") != one.sign("another")
    one.check()


def test_a_new_file_is_used_for_the_next_connection(text: str, tmp_path: Path) -> None:
    path = tmp_path / "user.creds"
    path.write_text(text, encoding="utf-8")
    file = CredsFile(path)
    before = file.user_jwt()
    path.write_text(NatsAccounts().creds_of("bob"), encoding="utf-8")
    assert file.user_jwt() != before


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot read .*user.creds: No such file"),
        ("", "user.creds does not hold the JWT and the seed of a user"),
        ("-----BEGIN NATS USER JWT-----\n", "user.creds does not hold the JWT and the seed of a user"),
        ("---A---\nsecret-jwt\n---A---\n---B---\nSECRET-SEED\n---B---\n", "holds no valid seed of a user"),
        ("---A---\nsecret-jwt\n---A---\n---B---\nSU2345\n---B---\n", "holds no valid seed of a user"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_without_its_content(
    content: str | None, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "user.creds"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=f"credentials: .*{problem}") as caught:
        CredsFile(path).check()
    assert "secret" not in str(caught.value).lower().replace("the seed", "")
    assert isinstance(caught.value.__cause__, NatsError)


def test_it_is_shown_by_its_path(tmp_path: Path) -> None:
    assert repr(CredsFile(tmp_path / "user.creds")) == f"<CredsFile {tmp_path / 'user.creds'}>"
