"""The variables of the environment that change something, without the secrets in them."""

import os
from collections.abc import Iterator

from ollama_rx.cli.doctor.finding import Finding, Target
from ollama_rx.cli.doctor.without_login import without_login

TITLE = "Environment"
POSITION = 10

_PREFIXES = ("OLLAMA_HOST", "OLLAMA_RX_", "OLLAMA_API_KEY", "OPENAI_API_KEY", "NATS_")
_OTHERS = frozenset(
    {
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("NO_COLOR", "TERM", "XDG_DATA_HOME", "XDG_CACHE_HOME", "PYTHONUTF8"),
    }
)
# Files, although their names end like those of secrets.
_FILES = frozenset({"NATS_KEY", "NATS_CREDS", "NATS_CERT", "NATS_CA"})
_SECRETS = ("KEY", "TOKEN", "PASSWORD", "SECRET")


def check(_: Target) -> Iterator[Finding]:
    """List those that are set."""
    names = sorted(name for name in os.environ if _matters(name))
    for name in names:
        value = _shown(name, os.environ[name])
        yield Finding(name=name, status="ok", text=value, fields={"value": value})
    if not names:
        yield Finding(name="variables", status="ok", text="no relevant one is set")


def _matters(name: str) -> bool:
    return name.startswith(_PREFIXES) or name.upper() in _OTHERS


def _shown(name: str, value: str) -> str:
    if not value:
        return "empty"
    if name not in _FILES and name.endswith(_SECRETS):
        return "set (not shown)"
    return without_login(value)
