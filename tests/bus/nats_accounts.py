"""Users of a nats-server that knows them by signed JWTs, as ``nsc`` makes them."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any, cast

import nkeys

_NO_LIMITS = {"subs": -1, "data": -1, "payload": -1}
_NO_ACCOUNT_LIMITS = {
    **_NO_LIMITS,
    "imports": -1,
    "exports": -1,
    "wildcards": True,
    "conn": -1,
    "leaf": -1,
    "mem_storage": -1,
    "disk_storage": -1,
    "streams": -1,
    "consumer": -1,
}


class _Key:
    """A pair of keys of an operator, an account or a user."""

    def __init__(self, prefix: int) -> None:
        self.seed: bytes = nkeys.encode_seed(secrets.token_bytes(32), prefix)
        self._pair = nkeys.from_seed(bytearray(self.seed))
        self.public = cast("bytes", self._pair.public_key).decode().rstrip("=")

    def sign(self, subject: "_Key", name: str, claims: dict[str, Any]) -> str:
        """Return the JWT in which this key says what holds for another one."""
        body = {"iss": self.public, "sub": subject.public, "name": name, "iat": 1, "nats": claims}
        body["jti"] = base64.b32encode(hashlib.sha256(json.dumps(body).encode()).digest()).decode()
        text = f"{_encoded({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{_encoded(body)}"
        return f"{text}.{_url_safe(self._pair.sign(text.encode()))}"


def _encoded(value: dict[str, Any]) -> str:
    return _url_safe(json.dumps(value).encode())


def _url_safe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class NatsAccounts:
    """An operator with an account whose users may use JetStream; ``settings`` are those of the server."""

    _operator: _Key = field(default_factory=lambda: _Key(nkeys.PREFIX_BYTE_OPERATOR))
    _system: _Key = field(default_factory=lambda: _Key(nkeys.PREFIX_BYTE_ACCOUNT))
    _account: _Key = field(default_factory=lambda: _Key(nkeys.PREFIX_BYTE_ACCOUNT))

    _users: list[str] = field(default_factory=list[str])
    _revoked: dict[str, int] = field(default_factory=dict[str, int])

    def revoke_users(self) -> None:
        """Take from all users so far the right to log in; the server is told by `settings`."""
        self._revoked = dict.fromkeys(self._users, 2)  # a second since 1970, before which a JWT was issued

    @property
    def settings(self) -> str:
        """Lines for the configuration of a server that knows these accounts."""
        operator = self._operator.sign(self._operator, "operator", {"type": "operator", "version": 2})
        accounts = {
            key.public: self._operator.sign(
                key,
                name,
                {
                    "type": "account",
                    "version": 2,
                    "limits": _NO_ACCOUNT_LIMITS | limits,
                    "revocations": self._revoked if key is self._account else {},
                },
            )
            for key, name, limits in (
                (self._system, "SYS", {"mem_storage": 0, "disk_storage": 0, "streams": 0, "consumer": 0}),
                (self._account, "APP", {}),
            )
        }
        preload = "\n".join(f"{key}: {jwt}" for key, jwt in accounts.items())
        return (
            f"operator: {operator}\nsystem_account: {self._system.public}\n"
            f"resolver: MEMORY\nresolver_preload: {{\n{preload}\n}}"
        )

    def creds_of(self, user: str) -> str:
        """Return the credentials file of a new user."""
        key = _Key(nkeys.PREFIX_BYTE_USER)
        self._users.append(key.public)
        jwt = self._account.sign(key, user, {"type": "user", "version": 2, **_NO_LIMITS})
        return (
            f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
            "************************* IMPORTANT *************************\n"
            "NKEY Seed printed below can be used to sign and prove identity.\n"
            "NKEYs are sensitive and should be treated as secrets.\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{key.seed.decode()}\n------END USER NKEY SEED------\n\n"
            "*************************************************************\n"
        )
