"""The blobs that clients have uploaded to the fake server."""

import hashlib

from ollama_rx.testing.server.observed import Request
from ollama_rx.testing.server.reply import Reply, error_status, text_reply

BLOBS = "/api/blobs"


def is_blob(path: str) -> bool:
    """Check for the path of one blob."""
    return path.startswith(f"{BLOBS}/")


class Blobs:
    """Stores blobs by their digests, and answers as Ollama does."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def reply(self, request: Request) -> Reply:
        """Return the reply to a request for a blob."""
        if request.method not in {"HEAD", "POST"}:
            return text_reply("405 method not allowed", status=405)
        digest = request.path.rpartition("/")[2]
        is_known = digest in self.contents
        if request.method == "HEAD":
            return text_reply("", status=200 if is_known else 404)
        found = f"sha256:{hashlib.sha256(request.body).hexdigest()}"
        if found != digest:
            return error_status(400, f"digest mismatch, expected {digest!r}, got {found!r}")
        self.contents[digest] = request.body
        return text_reply("", status=200 if is_known else 201)
