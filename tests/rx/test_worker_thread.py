"""`as_coroutine_function` awaits coroutine functions and calls all others on a worker thread."""

import asyncio
import threading

from ollama_rx.rx.worker_thread import as_coroutine_function


async def on_the_loop(word: str, *, times: int) -> tuple[str, str]:
    return word * times, threading.current_thread().name


def blocking(word: str, *, times: int) -> tuple[str, str]:
    return word * times, threading.current_thread().name


def test_a_coroutine_function_runs_on_the_loop_and_any_other_on_a_worker_thread() -> None:
    here = threading.current_thread().name
    assert asyncio.run(as_coroutine_function(on_the_loop)("ab", times=2)) == ("abab", here)
    assert asyncio.run(as_coroutine_function(blocking)("ab", times=2)) == ("abab", "ollama-rx-worker")
