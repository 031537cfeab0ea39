"""The manual as the tests read it: pages, fenced blocks, commands, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["PAGES", "ROOT", "Block", "anchors", "blocks", "commands_in", "links", "named_tests"]

ROOT = Path(__file__).parent.parent.parent
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_TEST = re.compile(r"`([\w/]*test_\w+\.py)`")
_INLINE = re.compile(r"`(epigate [^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it begins, its language and its text."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@cache
def _text(page: Path) -> str:
    return page.read_text("utf-8")


def blocks(*languages: str) -> list[Block]:
    """Every fenced block of the manual in these languages."""
    found = []
    for page in PAGES:
        text = _text(page)
        for one in _FENCE.finditer(text):
            if one[1] in languages:
                line = text.count("\n", 0, one.start()) + 1
                found.append(Block(page, line, one[1], one[2]))
    return found


def commands_in(page: Path) -> Iterator[list[str]]:
    """Every `epigate …` of a page as words, without `epigate` itself."""
    text = _text(page)
    lines = [one.group(1) for one in _INLINE.finditer(text)]
    for one in _FENCE.finditer(text):
        for line in one[2].replace("\\\n", " ").splitlines():
            if one[1] == "console" and line.startswith("$ "):
                lines.append(line[2:])
            elif one[1] == "sh":
                lines += re.findall(r"(?<=/)epigate .*", line)
    for line in lines:
        words = shlex.split(line, comments=True)
        if words[0] == "epigate":
            yield words[1:]


def links(page: Path) -> list[str]:
    """The targets of a page's links and pictures, those to other sites left out."""
    prose = _FENCE.sub("", _text(page))
    return [target for target in _LINK.findall(prose) if "://" not in target]


def named_tests(page: Path) -> set[str]:
    """The files of tests that a page names, below `tests/` or by their name alone."""
    return set(_TEST.findall(_FENCE.sub("", _text(page))))


def anchors(page: Path) -> set[str]:
    """What a link to a part of a page can name: its headings as GitHub writes them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", _FENCE.sub("", _text(page)), re.MULTILINE):
        bare = re.sub(r"[^\w\s-]", "", heading.lower())
        found.add(re.sub(r"\s", "-", bare.strip()))
    return found
