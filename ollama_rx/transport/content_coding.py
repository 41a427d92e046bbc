"""Decompress bodies in pieces of a bounded size.

We ask servers not to compress, because a compressor holds tokens back, but a proxy may do it all the same.
httpx would expand each read at once, and a read of 1 MB can become 1 GB.
"""

import zlib
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from typing import cast

import httpx

_MAX_PIECE = 65536  # bytes that are expanded at once
_CODINGS = {"gzip", "x-gzip", "deflate"}
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32  # zlib finds out which of the two it is


def decompressed(response: httpx.Response) -> httpx.Response:
    """Return a response whose body is decompressed as it is read, or the same one if it is not compressed."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in {"", "identity"}:
        return response
    headers = [header for header in response.headers.raw if header[0].lower() != b"content-encoding"]
    body = _DecompressedBody(response, coding)
    return httpx.Response(response.status_code, headers=headers, stream=body, extensions=response.extensions)


class _DecompressedBody(httpx.AsyncByteStream):
    def __init__(self, response: httpx.Response, coding: str) -> None:
        self._response = response
        self._coding = coding
        self._decompressor = zlib.decompressobj(_GZIP_OR_ZLIB)

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        if self._coding not in _CODINGS:
            raise httpx.DecodingError(f"the body is compressed with {self._coding!r}, which nobody asked for")
        is_empty = True
        stream = cast(httpx.AsyncByteStream, self._response.stream)
        async with aclosing(cast("AsyncGenerator[bytes, None]", aiter(stream))) as compressed:
            async for data in compressed:
                is_empty = False
                for piece in self._expand(data):
                    yield piece
                if self._decompressor.eof:
                    return
        if not is_empty:
            raise httpx.DecodingError("the compressed body is incomplete")

    async def aclose(self) -> None:
        await self._response.aclose()

    def _expand(self, data: bytes) -> Generator[bytes, None, None]:
        piece = b""
        while data or len(piece) == _MAX_PIECE:  # after a full piece there may be more without more data
            try:
                piece = self._decompressor.decompress(data, _MAX_PIECE)
            except zlib.error as error:
                raise httpx.DecodingError(str(error)) from error
            data = self._decompressor.unconsumed_tail
            yield piece
