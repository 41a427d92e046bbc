"""Credentials come from an argument or from the environment, and are never shown."""

from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from ollama_rx.bus.connection.credentials import Credentials


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"user": "ada", "token": "t"}, "expected one login, got user and token"),
        ({"token": "t", "creds": "file"}, "expected one login, got token and creds"),
        ({"password": "secret"}, "password needs user"),
        ({"key": "file"}, "key needs cert"),
    ],
)
def test_credentials_that_contradict_each_other_are_refused(given: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=f"credentials: {problem}"):
        Credentials(**given)


def test_a_password_that_is_not_text_is_refused() -> None:
    with pytest.raises(TypeError, match="password: expected text, got bytes"):
        Credentials(user="ada", password=b"secret")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"NATS_USER": "ada", "NATS_TOKEN": "t"}, "expected one login, got NATS_USER and NATS_TOKEN"),
        ({"NATS_PASSWORD": "secret"}, "NATS_PASSWORD needs NATS_USER"),
        ({"NATS_KEY": "file"}, "NATS_KEY needs NATS_CERT"),
    ],
)
def test_an_environment_that_contradicts_itself_is_refused_by_its_own_names(
    environment: dict[str, str], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        Credentials.from_environment(environment)


def test_the_environment_has_a_variable_for_each_part_and_an_empty_one_says_nothing() -> None:
    parts = ("user", "password", "ca", "cert", "key")
    environment = {f"NATS_{part.upper()}": f"a {part}" for part in parts} | {"NATS_TOKEN": ""}
    assert Credentials.from_environment(environment) == Credentials(**{part: f"a {part}" for part in parts})
    assert Credentials.from_environment({}) == Credentials()


def test_the_first_place_with_a_login_gives_all_of_it() -> None:
    first = Credentials(user="ada", password="secret")
    second = Credentials(token="t", ca="a CA")
    assert first.or_else(second) == Credentials(user="ada", password="secret", ca="a CA")
    assert second.or_else(first) == second
    # A user without a password is a token, and does not get the password of another place.
    assert Credentials(user="token").or_else(first).password is None


def test_a_certificate_and_its_key_come_from_one_place() -> None:
    first, second = Credentials(cert="one"), Credentials(ca="a CA", cert="two", key="its key")
    assert first.or_else(second) == Credentials(ca="a CA", cert="one")
    assert Credentials(ca="mine").or_else(second) == Credentials(ca="mine", cert="two", key="its key")


def test_no_secret_is_shown() -> None:
    shown = repr(Credentials(user="the-user", password="the-password")) + repr(Credentials(token="the-token"))
    assert "the-" not in shown


def test_files_of_certificates_that_are_missing_or_wrong_are_named(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("not a certificate")
    missing = tmp_path / "missing.pem"
    with pytest.raises(ValueError, match=r"cannot read the CA certificates in .*missing.pem: No such file"):
        Credentials(ca=missing).tls_context()
    with pytest.raises(ValueError, match=r"cannot read the CA certificates in .*wrong.pem: \[X509"):
        Credentials(ca=wrong).tls_context()
    with pytest.raises(ValueError, match=r"cannot read the certificate or its key in .*wrong.pem: \[SSL"):
        Credentials(cert=wrong).tls_context()


def test_a_home_folder_may_be_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    assert Credentials(ca="~/ca.pem").tls_context().get_ca_certs()


def test_a_key_with_a_passphrase_is_refused_instead_of_asking_for_it(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("localhost")
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"passphrase")
    )
    (tmp_path / "key.pem").write_bytes(encrypted)
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    with pytest.raises(ValueError, match="the key has a passphrase; use one without"):
        Credentials(cert=tmp_path / "cert.pem", key=tmp_path / "key.pem").tls_context()
