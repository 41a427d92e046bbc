"""Serve an ASGI application in a thread."""

import socket
import threading
from typing import Self

import uvicorn
from starlette.types import ASGIApp


class Serving:
    """A server for `with`; its address accepts connections at once.

    Args:
        app: what it serves.
        port: 0 for any free one.
    """

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        self._socket = socket.create_server(("127.0.0.1", port))
        self._server = uvicorn.Server(
            uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1, ws="websockets-sansio")
        )
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="tests: uvicorn"
        )
        #: the address, without a slash at the end
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
