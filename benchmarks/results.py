"""A goal is a limit for one figure; a result is the figure that was reached."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.rounds import Round

Rounds = Sequence[Round]


@dataclass(frozen=True, slots=True)
class Goal:
    """One line of the table; without a limit it is for information."""

    scenario: str
    what: str
    measure: Callable[[Rounds], float | None]
    at_most: float | None = None
    at_least: float | None = None
    unit: str = ""

    @property
    def limit(self) -> str:
        """The limit as text."""
        if self.at_most is not None:
            return f"≤ {self.at_most:g}{self.unit}"
        return f"≥ {self.at_least:g}{self.unit}" if self.at_least is not None else ""

    def reached(self, value: float) -> bool | None:
        """Whether the value is within the limit; None if there is no limit."""
        if self.at_most is not None:
            return value <= self.at_most
        return value >= self.at_least if self.at_least is not None else None


@dataclass(frozen=True, slots=True)
class Result:
    """The value reached for a goal; None if it was not measured."""

    goal: Goal
    value: float | None

    @property
    def passed(self) -> bool | None:
        """Whether the goal is reached; None if it has no limit or was not measured."""
        return None if self.value is None else self.goal.reached(self.value)


def results(goals: Sequence[Goal], measured: Mapping[str, Rounds]) -> list[Result]:
    """Compute every goal whose scenario was run."""
    return [
        Result(goal, goal.measure(measured[goal.scenario])) for goal in goals if goal.scenario in measured
    ]
