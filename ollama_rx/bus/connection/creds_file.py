"""A NATS credentials file: the JWT of a user, and the seed of the key that proves the user's identity."""

import base64
import os
import re
from pathlib import Path

from nats.errors import Error as NatsError

# Two blocks, the JWT and the seed; the last line of a block has one dash more than its first line.
# Source: https://docs.nats.io/using-nats/developer/connecting/creds
_BLOCK = re.compile(rb"-{3,}[^\n-]*-{3,}\s*([A-Za-z0-9._=-]+)\s*-{3,}[^\n-]*-{3,}")


class CredsFile:
    """Proves the user's identity to a server, with the contents of the file at the time of the connection.

    nats-py can read such a file itself, but hangs if the file has no JWT, and fails on Windows line endings.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path).expanduser()

    def __repr__(self) -> str:
        return f"<CredsFile {self._path}>"

    def check(self) -> None:
        """Check that the file can be used.

        Raises:
            ValueError: the file is missing, or is not a credentials file.
        """
        try:
            self.sign("a nonce")
        except NatsError as error:
            raise ValueError(str(error)) from error

    def user_jwt(self) -> bytes:
        """Return the JWT of the user, which an account has signed.

        Raises:
            nats.errors.Error: the file is missing, or is not a credentials file.
        """
        return self._read()[0]

    def sign(self, nonce: str) -> bytes:
        """Return the signature of a server's nonce.

        Raises:
            nats.errors.Error: the file is missing, or is not a credentials file.
        """
        import nkeys  # noqa: PLC0415 - slow to import, and few have such a file

        try:
            signature: bytes = nkeys.from_seed(bytearray(self._read()[1])).sign(nonce.encode())
        except (nkeys.NkeysError, ValueError) as error:
            raise NatsError(f"credentials: {self._path} holds no valid seed of a user") from error
        return base64.b64encode(signature)

    def _read(self) -> tuple[bytes, bytes]:
        try:
            blocks = _BLOCK.findall(self._path.read_bytes())
        except OSError as error:
            raise NatsError(f"credentials: cannot read {self._path}: {error.strerror}") from error
        if len(blocks) < 2:  # noqa: PLR2004 - the JWT and the seed
            raise NatsError(f"credentials: {self._path} does not hold the JWT and the seed of a user")
        return blocks[0], blocks[1]
