"""Send the last event of a stream, of which the subscriber may make another exception."""

import asyncio
from collections.abc import Callable

from ollama_rx.rx.event_loops import user_loop


def send_terminal(loop: asyncio.AbstractEventLoop, event: Callable[[], object]) -> None:
    """Send a terminal event; an exception that the subscriber has not handled is reported by the loop.

    ``SystemExit`` and ``KeyboardInterrupt`` end the user's loop. On a thread of the stream's own they do
    nothing more: the stream has ended, and only the main thread can exit.
    """
    try:
        event()
    except (SystemExit, KeyboardInterrupt):
        if user_loop() is not None:
            raise
    except BaseException as error:  # noqa: BLE001 - reported, not swallowed
        loop.call_exception_handler(
            {"message": "unhandled exception in a stream of ollama_rx", "exception": error}
        )
