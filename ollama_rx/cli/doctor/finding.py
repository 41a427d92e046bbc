"""What a check has found, and what it is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["ok", "missing", "problem"]
"""``missing`` is optional, or there is something else in its place; a ``problem`` should be solved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report."""

    name: str
    status: Status
    text: str
    command: str = ""
    """The command that helps, exactly as it is typed."""
    can_answer: bool = False
    """Whether what was found can answer a prompt."""
    fields: Mapping[str, object] = field(default_factory=dict[str, object])
    """More for programs."""

    def as_json(self) -> dict[str, object]:
        """Return the line for programs."""
        words = {"name": self.name, "status": self.status, "text": self.text}
        return {**words, "command": self.command or None, **self.fields}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The server that is checked."""

    host: str | None = None
    """What ``--host`` names."""
    named: str = ""
    """What ``--host`` or OLLAMA_HOST names, or ""."""
