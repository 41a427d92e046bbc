"""The user's event loops are distinguished from internal ones."""

import asyncio

from ollama_rx.rx.event_loops import marked_as_internal, run_on_loop, running_loop, user_loop


def test_on_a_plain_thread_there_is_no_loop() -> None:
    assert user_loop() is None
    assert running_loop() is None


def test_a_running_loop_is_the_users_unless_it_is_marked_as_internal() -> None:
    async def main() -> None:
        assert user_loop() is running_loop() is asyncio.get_running_loop()
        with marked_as_internal():
            assert user_loop() is None
            assert running_loop() is not None

    asyncio.run(main())


def test_an_action_for_the_running_loop_is_called_at_once() -> None:
    async def main() -> None:
        done: list[bool] = []
        assert run_on_loop(asyncio.get_running_loop(), lambda: done.append(True))
        assert done

    asyncio.run(main())


def test_an_action_from_another_thread_is_called_soon() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        assert await loop.run_in_executor(None, run_on_loop, loop, done.set)
        await asyncio.wait_for(done.wait(), 5)

    asyncio.run(main())


def test_an_action_for_a_closed_loop_is_not_called() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    assert not run_on_loop(loop, lambda: None)
