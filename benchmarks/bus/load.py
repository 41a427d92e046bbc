"""What the two sides of the bus are told, and how a side is run."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Self

from benchmarks.worker import loop_factory, raise_file_limit

MODEL = "llama3.2"  # the one that the replay server has


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Which streams go over the bus."""

    bus: str  # URL of the NATS server
    namespace: str  # another one in each measurement, so that nothing is left from the one before
    host: str  # base URL of the replay server
    streams: int
    tokens: int  # of each stream
    rate: int  # tokens a second of each stream; 0: as fast as possible
    parallel: int  # streams of one worker

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `written` has returned."""
        return cls(**json.loads(text))

    def written(self) -> str:
        """Return it as an argument of a program."""
        return json.dumps(asdict(self))

    def lines(self, stream: int | str) -> str:
        """Return the subject of one stream of the bare sides."""
        return f"{self.namespace}.lines.{stream}"

    @property
    def go(self) -> str:
        """The subject of the message with which the bare reader starts the bare writer."""
        return f"{self.namespace}.go"


def run_side(sides: Mapping[str, Callable[..., Awaitable[object]]]) -> None:
    """Run the side that the command line, ``SIDE LOOP ARGUMENT...``, names; print what it returns as JSON."""
    raise_file_limit()
    name, loop, *arguments = sys.argv[1:]

    async def run() -> object:
        return await sides[name](*arguments)

    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        print(json.dumps(runner.run(run())), flush=True)


def ready() -> None:
    """Tell whoever has started this process that it can be used."""
    print("ready", flush=True)
