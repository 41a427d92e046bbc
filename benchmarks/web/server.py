"""A web server with one of the apps that are compared; prints its port, and serves until it is killed.

``python -m benchmarks.web.server APP LOOP JSON``; ``GET /figures`` returns what it has used.
"""

import asyncio
import gc
import json
import os
import socket
import sys
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send

from benchmarks.web.apps import APPS, App
from benchmarks.web.load import Load
from benchmarks.worker import loop_factory, raise_file_limit


class Figures:
    """Answers ``GET /figures``; everything else goes to the app."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"] != "/figures":
            await self._app(scope, receive, send)
            return
        gc.collect()
        figures = {"cpu": self._app.stamps.cpu, "kib": resident_kib()}
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(figures).encode()})


def resident_kib() -> float:
    """Return the memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


async def serve(name: str, load: Load) -> None:
    """Serve one app on a port that is printed."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    if load.send_buffer:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, load.send_buffer)
    config = uvicorn.Config(
        Figures(APPS[name](load)),
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
    )
    print(listening.getsockname()[1], flush=True)
    await uvicorn.Server(config).serve(sockets=[listening])


def main() -> None:
    """Serve until this process is killed."""
    raise_file_limit()
    name, loop, load = sys.argv[1:]
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        runner.run(serve(name, Load(**json.loads(load))))


if __name__ == "__main__":
    main()
