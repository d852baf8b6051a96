"""The documentation as data: its pages, code blocks, tables and inline code."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(\w*) ?(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """One fenced block; ``word`` follows the language: the status or exit code of the command above."""

    page: str
    language: str
    word: str
    text: str

    @property
    def commands(self):
        """The command lines of a shell block, continued lines joined, comments away."""
        lines = self.text.replace("\\\n", " ").splitlines()
        words = (shlex.split(line, comments=True) for line in lines)
        return [shlex.join(line) for line in words if line]


def name(page):
    return str(page.relative_to(ROOT))


def blocks(page):
    return [Block(name(page), *found.groups()) for found in FENCE.finditer(page.read_text())]


def prose(page):
    """The page without its blocks."""
    return FENCE.sub("", page.read_text())


def inline(page):
    """Every piece of inline code."""
    return INLINE.findall(prose(page))


def code(cell):
    """The inline code in a cell of a table."""
    return INLINE.findall(cell)


def names(rows):
    """The inline code of the first column of a table."""
    return [name for row in rows for name in code(row[0])]


def tables(text):
    """Every table as its rows of cells; the first row is the head."""
    found = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    return [[_cells(row) for row in table.splitlines() if not re.fullmatch(r"[|\s-]+", row)] for table in found]


def table(page, head, under=""):
    """The rows below the head of the table whose first head is ``head``, after the heading ``under`` if given."""
    text = prose(page)
    if under:
        text = re.split(r"^#+ ", text.split(f"# {under}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return next(rows[1:] for rows in tables(text) if rows[0][0] == head)


def _cells(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


ALL = [block for page in PAGES for block in blocks(page)]
COMMANDS = [(block.page, command) for block in ALL if block.language == "sh" for command in block.commands]
