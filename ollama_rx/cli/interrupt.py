"""The end of a process that Ctrl-C has interrupted."""

import os
import signal
import sys
from typing import NoReturn

EXIT_INTERRUPTED = 130  # as in shells: 128 plus the number of the signal


def end_as_interrupted() -> NoReturn:
    """End the process by the signal, which shells show as exit code 130.

    A shell goes on with its loop or script if a command exits by itself after Ctrl-C.
    Source: https://www.cons.org/cracauer/sigint.html
    """
    if sys.platform != "win32":
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
    os._exit(EXIT_INTERRUPTED)
