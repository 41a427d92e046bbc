"""A scripted host as a process; `ChildProcess` starts it."""

import threading

from tests.bus.chaos.child_process import READY, options_of_process, tell
from tests.bus.chaos.scripted_host import scripted_host

if __name__ == "__main__":
    with scripted_host(port=options_of_process()["port"]):
        tell(READY)
        threading.Event().wait()
