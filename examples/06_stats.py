"""Measure each answer and add up the figures; cancelled and failed answers count too."""

from ollama_rx import Client, Stats, StatsTotals
from ollama_rx import operators as op

totals = StatsTotals()


def report(stats: Stats) -> None:
    """Print the figures of one answer and add them to the totals."""
    totals.add(stats)
    print(f"{stats.model}: ended by {stats.ended_by}, {stats.characters} characters")


with Client(model="llama3.2") as client:
    for prompt in ("Name a colour.", "Name an animal."):
        client.generate(prompt).pipe(op.gather_stats(report)).run()

everything = totals.all()
print(f"{everything.answers} answers, {everything.tokens} tokens")
print(f"95 % of the first words came within {everything.time_to_first_text.p95 or 0:.3f} s")
