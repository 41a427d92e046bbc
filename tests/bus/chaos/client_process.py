"""A client as a process, which asks all its prompts at once; `ChildProcess` starts it."""

import asyncio
from typing import Any

from tests.bus.chaos.asking import ask, open_client
from tests.bus.chaos.child_process import READY, options_of_process, tell
from tests.bus.chaos.scripted_prompt import ScriptedPrompt


async def main(options: dict[str, Any]) -> None:
    """Ask, and tell that all answers have come to an end."""
    prompts = [ScriptedPrompt.of_text(text) for text in options["prompts"]]
    async with open_client(
        options["servers"], options["namespace"], detach=options["detach"], grace=options["grace"]
    ) as client:
        tell(READY)
        await asyncio.gather(*(ask(client.with_run(prompt.id), prompt) for prompt in prompts))
    tell("done")


if __name__ == "__main__":
    asyncio.run(main(options_of_process()))
