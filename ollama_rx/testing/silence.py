"""An address where connecting neither succeeds nor fails, as behind a firewall that drops packets."""

import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

_ENOUGH = 8  # more connections than the queue of a listening socket with the smallest backlog takes


@contextmanager
def silent_url() -> Generator[str]:
    """Give a URL on which every connection attempt hangs until it is given up.

    The queue of its socket is full and nobody accepts, so the kernel drops further attempts. That is what
    Linux does; other systems may refuse them instead.
    """
    with ExitStack() as open_sockets:
        listening = open_sockets.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        host, port = listening.getsockname()
        for _ in range(_ENOUGH):
            waiting = open_sockets.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex((host, port))
        yield f"http://{host}:{port}"
