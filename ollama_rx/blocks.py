"""A block of Markdown, as `markdown_blocks` emits it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list, quote, table, rule, block of code or block of HTML at the top level."""

    number: int
    """The block's place in the text, from 0."""
    text: str
    """The block's Markdown, with the line ends and the blank lines around it."""
    complete: bool
    """Whether the block is complete: False while it grows, and True once, with its whole text."""
