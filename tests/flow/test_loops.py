"""Which event loop is the user's."""

import asyncio

from ollama_rx.flow.loops import on_loop, ours, running_loop, users_loop


def test_on_a_plain_thread_there_is_no_loop() -> None:
    assert users_loop() is None
    assert running_loop() is None


def test_a_running_loop_is_the_users_unless_it_is_marked_as_ours() -> None:
    async def main() -> None:
        assert users_loop() is running_loop() is asyncio.get_running_loop()
        with ours():
            assert users_loop() is None
            assert running_loop() is not None

    asyncio.run(main())


def test_on_its_own_loop_something_is_done_at_once() -> None:
    async def main() -> None:
        done: list[bool] = []
        assert on_loop(asyncio.get_running_loop(), lambda: done.append(True))
        assert done

    asyncio.run(main())


def test_from_another_thread_something_is_done_soon() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        assert await loop.run_in_executor(None, on_loop, loop, done.set)
        await asyncio.wait_for(done.wait(), 5)

    asyncio.run(main())


def test_on_a_closed_loop_nothing_is_done() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    assert not on_loop(loop, lambda: None)
