"""A pipe whose reader has gone, as in ``| head``: no error, a reason to leave."""

import os
import sys
from typing import IO, Any


def forget_pipe(file: IO[Any]) -> None:
    """Keep the interpreter from flushing into the broken pipe again when it exits.

    Source: https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    if file in (sys.stdout, getattr(sys.stdout, "buffer", None)):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, file.fileno())
        os.close(nowhere)
