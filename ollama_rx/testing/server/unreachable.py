"""A URL where connecting neither succeeds nor fails, as behind a firewall that drops packets."""

import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

_CONNECTIONS = 8  # more than the queue of a listening socket with the smallest backlog holds


@contextmanager
def silent_url() -> Generator[str]:
    """Provide a URL where every connection attempt hangs until the client gives up.

    The queue of the listening socket is full and is never emptied, so the kernel drops further attempts.
    Linux does this; other systems may refuse the connection instead.
    """
    with ExitStack() as open_sockets:
        listening = open_sockets.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        host, port = listening.getsockname()
        for _ in range(_CONNECTIONS):
            waiting = open_sockets.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex((host, port))
        yield f"http://{host}:{port}"
