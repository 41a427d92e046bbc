"""What a sink does when the reader of its pipe has gone (``| head``)."""

import os
import sys
from contextlib import suppress

from ollama_rx.sinks._sink import StopSink


def reader_gone(file: object) -> StopSink:
    """Return what to raise; the interpreter shall not flush into the broken pipe when it exits.

    Source: https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    if file is sys.stdout or file is getattr(sys.stdout, "buffer", None):
        with suppress(OSError):  # a replaced stdout without a descriptor
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, sys.stdout.fileno())
            finally:
                os.close(nowhere)
    return StopSink()
