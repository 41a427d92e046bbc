"""Where the servers are and how to log in: from arguments, URLs and the environment, to a real server."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx import OllamaError, UnauthorizedError, UnreachableError
from ollama_rx.bus.connection.bus_connection import BusConnections
from ollama_rx.bus.connection.connection_options import ConnectionOptions
from ollama_rx.bus.connection.credentials import Credentials
from tests.bus.conftest import Certificates, StartServer, tls_settings
from tests.bus.nats_accounts import NatsAccounts
from tests.bus.nats_process import free_port

PASSWORD = "p@ss:w/örd,%#"
QUOTED = "p%40ss%3Aw%2F%C3%B6rd%2C%25%23"
of = ConnectionOptions.of


pytestmark = pytest.mark.usefixtures("no_nats_environment")

# where


@pytest.mark.parametrize(
    ("servers", "shown"),
    [
        (None, "nats://127.0.0.1:4222"),
        ("bus.example", "nats://bus.example:4222"),
        ("bus.example:5000", "nats://bus.example:5000"),
        (" NATS://bus.example/ ", "nats://bus.example:4222"),
        ("tls://[::1]", "tls://[::1]:4222"),
        ("nats://ada:secret@one,tls://ada:secret@two:1", "nats://one:4222,tls://two:1"),
        (["nats://one", "two"], "nats://one:4222,nats://two:4222"),
        ("nats://secret@bus.example", "nats://bus.example:4222"),
    ],
)
def test_urls_are_shown_in_full_and_without_credentials(
    servers: str | Sequence[str] | None, shown: str
) -> None:
    options = of(servers)
    assert options.shown_url == shown
    assert options.connect_arguments().get("servers") == shown.split(",")
    assert repr(options) == f"<ConnectionOptions {shown}>"


def test_the_environment_names_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_URL", "tls://bus.example")
    assert of().shown_url == "tls://bus.example:4222"
    assert of("other").shown_url == "nats://other:4222"
    monkeypatch.setenv("NATS_URL", "")
    assert of().shown_url == "nats://127.0.0.1:4222"


@pytest.mark.parametrize(
    "url",
    [
        "http://secret",
        "nats://ada:secret",
        "nats://ada:secret@",
        "nats://ada:secret@host:port",
        "nats://ada:secret@host:99999",
        "nats://ada:sec,ret@host",
        "nats://ada:secret@host/path",
        "nats://ada:secret@host?query",
        "nats://ada:secret@[::1",
        "nats://ada:secret@a host",
        "secret://ada@host",
    ],
)
def test_a_wrong_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ValueError, match="servers: expected nats://host:port or tls://host:port") as caught:
        of(url)
    assert "ret" not in str(caught.value).lower()
    assert "ada" not in str(caught.value)


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_password_that_is_percent_encoded_may_have_any_characters(password: str) -> None:
    options = of(f"nats://ada:{quote(password, safe='')}@bus.example,nats://bus2.example")
    assert options.connect_arguments().get("password") == password
    assert options.shown_url == "nats://bus.example:4222,nats://bus2.example:4222"


@given(st.text("a1:/@,?#[]%. \n", max_size=8), st.text("a1:/@,?#[]%. \n", max_size=8))
def test_a_password_that_is_not_percent_encoded_is_taken_or_refused_but_not_shown(
    before: str, after: str
) -> None:
    try:
        shown = of(f"nats://ada:{before}Secret{after}@bus.example").shown_url
    except ValueError as error:
        shown = str(error)
    assert "secret" not in shown.lower()


@pytest.mark.parametrize("servers", ["", " , ", []])
def test_no_url_is_refused(servers: str | list[str]) -> None:
    with pytest.raises(ValueError, match=r"servers: expected a URL such as .*, got none"):
        of(servers)


def test_anything_but_text_is_refused() -> None:
    with pytest.raises(TypeError, match="servers: expected text or a list of texts, got int"):
        of(4222)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_several_servers_have_one_login() -> None:
    with pytest.raises(ValueError, match="servers: expected one login for all of them, got several"):
        of("nats://ada:one@host,nats://ada:two@host2")
    assert of("nats://ada:one@host,nats://host2").connect_arguments().get("user") == "ada"


# with which login


@pytest.mark.parametrize(
    ("url", "login"),
    [
        (f"nats://ada%20:{QUOTED}@host", {"user": "ada ", "password": PASSWORD}),
        ("nats://ada:@host", {"user": "ada", "password": ""}),
        ("nats://to%40ken@host", {"token": "to@ken"}),
        ("nats://host", {}),
    ],
)
def test_a_url_has_a_user_and_a_password_or_a_token(url: str, login: dict[str, str]) -> None:
    assert of(url).connect_arguments() == {"servers": ["nats://host:4222"], **login}


def test_the_argument_wins_over_the_url_and_that_over_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NATS_TOKEN", "of the environment")
    assert of("host").connect_arguments().get("token") == "of the environment"
    assert of("ada:secret@host").connect_arguments().get("token") is None
    assert of("ada:secret@host").connect_arguments().get("user") == "ada"
    arguments = of("ada:secret@host", Credentials(token="of the argument")).connect_arguments()
    assert arguments.get("token") == "of the argument"
    assert arguments.get("user") is None


def test_a_file_that_is_missing_is_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_CREDS", str(tmp_path / "user.creds"))
    with pytest.raises(ValueError, match=r"credentials: cannot read .*user.creds"):
        of("host")
    monkeypatch.setenv("NATS_CREDS", "")
    monkeypatch.setenv("NATS_CA", str(tmp_path / "ca.pem"))
    with pytest.raises(ValueError, match=r"credentials: cannot read the CA certificates in .*ca.pem"):
        of("host")


# a real server


def connect(url: str, credentials: Credentials | None = None) -> OllamaError | None:
    """Connect and ask JetStream something; return the error if that is refused."""

    async def main() -> OllamaError | None:
        connections = BusConnections(of(url, credentials), name="test")
        try:
            async with asyncio.timeout(30), connections.lease() as connection:
                await connection.jetstream.account_info()
        except OllamaError as error:
            return error
        finally:
            await connections.aclose()
        return None

    return asyncio.run(main())


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Return what was logged until then, by us, nats-py and asyncio."""
    caplog.set_level(logging.DEBUG)
    return lambda: caplog.text


def test_a_user_and_a_password(
    start_server: StartServer, said: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_server(f'authorization {{ user: "a:da", password: "{PASSWORD}" }}')
    at = server.url.removeprefix("nats://")
    assert connect(f"nats://a%3Ada:{QUOTED}@{at}") is None
    assert connect(at, Credentials(user="a:da", password=PASSWORD)) is None
    wrong = connect(f"nats://a%3Ada:the-secret@{at}")
    assert isinstance(wrong, UnauthorizedError)
    assert str(wrong) == (
        f"HTTP 401: cannot log in at {server.url} (Authorization Violation); check the user and password, "
        "the token or the credentials file"
    )
    assert isinstance(connect(at), UnauthorizedError)
    monkeypatch.setenv("NATS_USER", "a:da")
    monkeypatch.setenv("NATS_PASSWORD", PASSWORD)
    assert connect(at) is None
    assert PASSWORD not in said()
    assert "the-secret" not in said() + repr(wrong) + repr(wrong.__cause__)
    assert not wrong.retryable


def test_a_token(start_server: StartServer, said: Callable[[], str]) -> None:
    server = start_server('authorization { token: "to@ken" }')
    at = server.url.removeprefix("nats://")
    assert connect(f"nats://to%40ken@{at}") is None
    assert connect(at, Credentials(token="to@ken")) is None
    assert isinstance(connect(f"nats://other@{at}"), UnauthorizedError)
    assert "to@ken" not in said()
    assert "other" not in said()


def test_a_credentials_file(start_server: StartServer, said: Callable[[], str], tmp_path: Path) -> None:
    accounts = NatsAccounts()
    server = start_server(accounts.settings)
    mine, strange = tmp_path / "mine.creds", tmp_path / "strange.creds"
    mine.write_text(accounts.creds_of("ada"), encoding="utf-8")
    strange.write_text(NatsAccounts().creds_of("eve"), encoding="utf-8")
    assert connect(server.url, Credentials(creds=mine)) is None
    assert isinstance(connect(server.url, Credentials(creds=strange)), UnauthorizedError)
    assert isinstance(connect(server.url), UnauthorizedError)
    for file in (mine, strange):
        lines = file.read_text(encoding="utf-8").splitlines()
        assert not any(line in said() for line in lines if line and "-" not in line[:3])


def test_a_credentials_file_that_is_gone_when_it_is_needed(start_server: StartServer, tmp_path: Path) -> None:
    accounts = NatsAccounts()
    server = start_server(accounts.settings)
    file = tmp_path / "user.creds"
    file.write_text(accounts.creds_of("ada"), encoding="utf-8")
    options = of(server.url, Credentials(creds=file))
    file.unlink()

    async def main() -> None:
        connections = BusConnections(options, name="test")
        with pytest.raises(UnreachableError, match=r"cannot read .*user.creds"):
            async with asyncio.timeout(30), connections.lease():
                pass
        await connections.aclose()

    asyncio.run(main())


def test_tls_with_a_ca(
    start_server: StartServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_server(tls_settings(certificates, verify=False))
    encrypted = server.url.replace("nats://", "tls://")
    ours = Credentials(ca=certificates("ca"))
    assert connect(encrypted, ours) is None
    assert connect(server.url, ours) is None
    for url in (server.url, encrypted):  # without our CA; the server demands TLS also of a nats:// URL
        error = connect(url)
        assert isinstance(error, UnreachableError)
        assert "signed by an unknown CA; NATS_CA names the file of one" in str(error)
    monkeypatch.setenv("NATS_CA", str(certificates("ca")))
    assert connect(encrypted) is None


def test_a_certificate_for_another_host_is_refused(
    start_server: StartServer, certificates: Certificates
) -> None:
    server = start_server(tls_settings(certificates, verify=False))
    error = connect(f"tls://localhost:{server.port}", Credentials(ca=certificates("ca")))
    assert isinstance(error, UnreachableError)
    assert "certificate does not hold: Hostname mismatch" in str(error)


def test_a_server_that_asks_for_a_certificate(start_server: StartServer, certificates: Certificates) -> None:
    server = start_server(tls_settings(certificates, verify=True))
    ca, client, stranger = certificates("ca"), certificates("client"), certificates("stranger")
    assert connect(server.url, Credentials(ca=ca, cert=client)) is None
    assert connect(server.url, Credentials(ca=ca, cert=client, key=client)) is None
    without = connect(server.url, Credentials(ca=ca))
    assert isinstance(without, UnreachableError)
    assert "asks for a certificate" in str(without)
    strange = connect(server.url, Credentials(ca=ca, cert=stranger))
    assert isinstance(strange, UnreachableError)
    assert "certificate" in str(strange)


@pytest.mark.parametrize("scheme", ["tls", "nats"])
def test_where_tls_is_wanted_nothing_is_sent_to_a_server_without(
    start_server: StartServer, certificates: Certificates, scheme: str
) -> None:
    server = start_server('authorization { user: "ada", password: "secret" }')
    login = f"{scheme}://ada:secret@127.0.0.1:{server.port}"
    error = connect(login, Credentials(ca=certificates("ca")) if scheme == "nats" else None)
    assert isinstance(error, UnreachableError)
    assert "the server does not use TLS" in str(error)


def test_one_server_of_several_is_enough(nats_url: str) -> None:
    assert connect(f"nats://127.0.0.1:{free_port()},{nats_url}") is None
