"""What a sink does when the reader of its pipe has exited, as in ``| head``."""

import os
import sys
from contextlib import suppress

from ollama_rx.sinks._sink import StopSink


def stop_after_broken_pipe(file: object) -> StopSink:
    """Return the exception to raise after a `BrokenPipeError` of ``file``.

    If ``file`` is the standard output, that is redirected to the null device: otherwise the interpreter would
    flush into the broken pipe when it exits, and print an error.

    Source: https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    if file is sys.stdout or file is getattr(sys.stdout, "buffer", None):
        with suppress(OSError):  # a replaced stdout without a descriptor
            null_device = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(null_device, sys.stdout.fileno())
            finally:
                os.close(null_device)
    return StopSink()
