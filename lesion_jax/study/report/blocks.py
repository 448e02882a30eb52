"""What a report is made of, and how each piece is written as HTML and as markdown."""

import base64
import dataclasses
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Block(Protocol):
    """A piece of a report."""

    def html(self) -> str:
        """As HTML."""
        ...

    def markdown(self) -> str:
        """As markdown beside the figures."""
        ...


@dataclasses.dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title."""

    text: str
    level: int = 2

    def html(self) -> str:
        """See `Block`."""
        return f"<h{self.level}>{html.escape(self.text)}</h{self.level}>"

    def markdown(self) -> str:
        """See `Block`."""
        return f"{'#' * self.level} {self.text}"


@dataclasses.dataclass(frozen=True)
class Text:
    """A paragraph; `style` names a class of the style sheet: "verdict", "note"."""

    text: str
    style: str = ""

    def html(self) -> str:
        """See `Block`."""
        return f'<p class="{self.style}">{html.escape(self.text)}</p>'

    def markdown(self) -> str:
        """See `Block`."""
        return f"**{self.text}**" if self.style == "verdict" else self.text


@dataclasses.dataclass(frozen=True)
class Points:
    """A list of sentences."""

    items: Sequence[str]

    def html(self) -> str:
        """See `Block`."""
        return "<ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in self.items) + "</ul>"

    def markdown(self) -> str:
        """See `Block`."""
        return "\n".join(f"- {item}" for item in self.items)


@dataclasses.dataclass(frozen=True)
class Table:
    """A table; every cell is text or a number as it shall be printed."""

    header: Sequence[str]
    rows: Sequence[Sequence[object]]

    def html(self) -> str:
        """See `Block`."""

        def line(cells: Sequence[object], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(line(row, "td") for row in self.rows)
        return f"<table><thead>{line(self.header, 'th')}</thead><tbody>{body}</tbody></table>"

    def markdown(self) -> str:
        """See `Block`."""

        def line(cells: Sequence[object]) -> str:
            return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

        return "\n".join([line(self.header), "|---" * len(self.header) + "|", *(line(row) for row in self.rows)])


@dataclasses.dataclass(frozen=True)
class Figure:
    """A PNG, which the HTML holds itself; `link` says where it lies from the report on, if not beside it."""

    file: Path
    caption: str
    link: str = ""

    def html(self) -> str:
        """See `Block`."""
        data = base64.b64encode(self.file.read_bytes()).decode()
        caption = html.escape(self.caption)
        image = f'<img alt="{caption}" src="data:image/png;base64,{data}">'
        return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"

    def markdown(self) -> str:
        """See `Block`."""
        return f"![{self.caption}]({self.link or self.file.name})\n\n{self.caption}"


_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 60em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.7em; line-height: 1.25; } h2 { font-size: 1.25em; margin-top: 2em; border-bottom: 1px solid #ccc; }
h3 { font-size: 1.05em; margin-top: 1.5em; }
.verdict { font-size: 1.15em; font-weight: 600; border-left: 4px solid #0072B2; padding-left: 0.8em; }
.note { color: #555; font-size: 0.92em; }
figure { margin: 1em 0; } img { max-width: 100%; height: auto; } figcaption { color: #555; font-size: 0.92em; }
table { border-collapse: collapse; font-size: 0.88em; margin: 1em 0; display: block; overflow-x: auto; }
th, td { text-align: left; padding: 0.25em 0.7em; border-bottom: 1px solid #ddd; vertical-align: top; }
@media print { body { max-width: none; margin: 0; font-size: 11pt; } h2 { break-after: avoid; }
  figure, tr { break-inside: avoid; } table { display: table; } }
"""


def page(title: str, blocks: Sequence[Block]) -> str:
    """A whole HTML page that needs no other file."""
    body = "\n".join(block.html() for block in blocks)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )


def markdown(blocks: Sequence[Block]) -> str:
    """The same as markdown."""
    return "\n\n".join(block.markdown() for block in blocks) + "\n"
