"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured; a full run gives the same ratios with less noise."""

    rounds: int
    blast_tokens: int
    live_tokens: int
    paced_seconds: int
    paced_rounds: int
    import_rounds: int
    voice_questions: int
    voice_rounds: int
    voice_answers: int
    voice_tokens: int
    voice_moments: int
    voice_minutes: int
    web_rounds: int
    web_seconds: int
    bus_rounds: int
    bus_seconds: int
    bus_prompts: int
    bus_blast_tokens: int


QUICK = Size(
    rounds=3,
    blast_tokens=10_000,
    live_tokens=600,
    paced_seconds=2,
    paced_rounds=1,
    import_rounds=7,
    voice_questions=7,
    voice_rounds=2,
    voice_answers=1,
    voice_tokens=40,
    voice_moments=24,
    voice_minutes=5,
    web_rounds=1,
    web_seconds=2,
    bus_rounds=1,
    bus_seconds=1,
    bus_prompts=30,
    bus_blast_tokens=2_000,
)
FULL = Size(
    rounds=7,
    blast_tokens=20_000,
    live_tokens=2_000,
    paced_seconds=4,
    paced_rounds=4,
    import_rounds=21,
    voice_questions=21,
    voice_rounds=7,
    voice_answers=3,
    voice_tokens=100,
    voice_moments=200,
    voice_minutes=30,
    web_rounds=3,
    web_seconds=4,
    bus_rounds=4,
    bus_seconds=4,
    bus_prompts=100,
    bus_blast_tokens=10_000,
)
