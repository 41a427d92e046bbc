"""RxPY's trampoline: the queue in which synchronous sources of a thread take turns."""

from collections.abc import Callable

from reactivex.scheduler import CurrentThreadScheduler


def run_in_trampoline(action: Callable[[], object]) -> None:
    """Call ``action``, which subscribes, before any synchronous source that it subscribes to sends an item.

    Such a source sends when ``subscribe`` has returned, so its subscription is known by then and can be
    disposed between two items. Returns after the last item, unless a trampoline runs further up the stack.
    """

    def scheduled(_scheduler: object, _state: object = None) -> None:
        action()

    trampoline = CurrentThreadScheduler.singleton()
    if trampoline.schedule_required():
        trampoline.schedule(scheduled)
    else:
        action()
