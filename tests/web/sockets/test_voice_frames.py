"""Frames go from the threads of a voice to a task."""

import asyncio
from threading import Thread

from ollama_rx.web import WebEvent
from ollama_rx.web.sockets.voice_frames import VoiceFrames
from tests.speech.voices import TIMEOUT

EVENT = WebEvent("word", {})


def full(frames: VoiceFrames) -> Thread:
    """Return a thread that waits with the 26th frame."""
    for _ in range(25):
        frames.put_audio(b"ab")
    waiting = Thread(target=frames.put_audio, args=(b"cd",))
    waiting.start()
    waiting.join(0.02)
    assert waiting.is_alive()
    return waiting


def test_events_and_audio_keep_their_order() -> None:
    async def run() -> None:
        frames = VoiceFrames(asyncio.get_running_loop())
        taking = asyncio.create_task(frames.take())
        await asyncio.to_thread(frames.put, EVENT)
        assert await taking is EVENT
        frames.put_audio(b"ab")
        frames.put(EVENT)
        assert [await frames.take(), await frames.take()] == [b"ab", EVENT]

    asyncio.run(run())


def test_audio_waits_when_a_second_of_it_was_not_taken() -> None:
    async def run() -> None:
        frames = VoiceFrames(asyncio.get_running_loop())
        waiting = full(frames)
        await frames.take()
        await asyncio.to_thread(waiting.join, TIMEOUT)
        assert frames.waiting == 25

    asyncio.run(run())


def test_audio_can_be_dropped_also_what_waits_for_room() -> None:
    async def run() -> None:
        frames = VoiceFrames(asyncio.get_running_loop())
        frames.put(EVENT)
        waiting = full(frames)
        draining = Thread(target=frames.wait_until_sent)
        draining.start()
        frames.drop_audio()
        for thread in (waiting, draining):
            await asyncio.to_thread(thread.join, TIMEOUT)
            assert not thread.is_alive()
        assert frames.waiting == 0
        frames.put_audio(b"ef")
        assert [await frames.take(), await frames.take()] == [EVENT, b"ef"]

    asyncio.run(run())


def test_audio_of_a_loop_that_has_ended_raises_nothing() -> None:
    async def make() -> VoiceFrames:
        return VoiceFrames(asyncio.get_running_loop())

    frames = asyncio.run(make())
    frames.put(EVENT)
    assert frames.waiting == 0
