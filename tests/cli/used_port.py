"""Use the port of a command that serves until a signal."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future

from typer.testing import Result


def run_and_use(
    command: Callable[[], Result], opened: Future[str], use: Callable[[str], object], *, end: signal.Signals
) -> Result:
    """Run a command on this thread; use it on another one, and then send a signal to this process.

    ``opened`` must get the address when the command listens.
    """
    used = Future[None]()

    def use_port() -> None:
        if opened.exception(30) is not None:
            used.set_result(None)
            return
        try:
            use(opened.result())
            used.set_result(None)
        except BaseException as error:  # noqa: BLE001 - raised again below
            used.set_exception(error)
        os.kill(os.getpid(), end)

    using = threading.Thread(target=use_port)
    using.start()
    result = command()
    if not opened.done():
        opened.set_exception(RuntimeError("the command has ended"))
    using.join()
    used.result()
    return result
