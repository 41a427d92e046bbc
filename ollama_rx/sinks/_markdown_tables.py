"""Draw Markdown's tables in windows of any width; needs rich."""

from functools import cache
from typing import TYPE_CHECKING, ClassVar, cast

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.markdown import Markdown
    from rich.table import Table
    from rich.text import Text

_NARROWEST = 4  # columns of the window for a column of the table: a wide character and a margin


@cache
def markdown_with_whole_tables() -> "type[Markdown]":
    """Return rich's Markdown with tables that show all of their text.

    Rich cuts off words, and then whole columns, if the window is narrow. Here words are broken, and the rows
    are lines of text if the columns have no room.
    """
    from rich.markdown import Markdown, MarkdownElement, TableElement  # noqa: PLC0415 - an extra
    from rich.text import Text  # noqa: PLC0415

    class WholeTable(TableElement):
        def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
            for rendered in super().__rich_console__(console, options):
                table = cast("Table", rendered)
                if len(table.columns) * _NARROWEST > options.max_width:
                    yield from map(Text(" | ").join, _rows(table))
                else:
                    for column in table.columns:
                        column.overflow = "fold"
                    yield table

    class WithWholeTables(Markdown):
        elements: ClassVar[dict[str, type[MarkdownElement]]] = {
            **Markdown.elements,
            "table_open": WholeTable,
        }

    return WithWholeTables


def _rows(table: "Table") -> "list[tuple[Text, ...]]":
    columns = [[column.header, *column.cells] for column in table.columns]
    return cast("list[tuple[Text, ...]]", list(zip(*columns, strict=True)))
