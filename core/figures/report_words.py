"""Words of a report as HTML: paragraphs, lists, bold, italic and code; everything else is text."""

from __future__ import annotations

import re
from html import escape

_BOLD = re.compile(r"\*\*(.+?)\*\*")
_ITALIC = re.compile(r"(?<![\w*])\*([^\s*](?:[^*]*[^\s*])?)\*(?![\w*])")
_CODE = re.compile(r"`([^`]+)`")


def inline(text: str) -> str:
    r"""One line or cell, escaped, with ``**bold**``, ``*italic*`` and `` `code` ``.

    Example:
        >>> inline("**p** < `q`")
        '<strong>p</strong> &lt; <code>q</code>'
    """
    pieces = []
    for index, piece in enumerate(_CODE.split(text)):
        safe = escape(piece)
        marked = _ITALIC.sub(r"<em>\1</em>", _BOLD.sub(r"<strong>\1</strong>", safe))
        pieces.append(f"<code>{safe}</code>" if index % 2 else marked)
    return "".join(pieces)


def prose(text: str) -> str:
    r"""Paragraphs, divided by empty lines; lines that start with "- " are a list.

    Example:
        >>> prose("a\n\n- b\n- c")
        '<p>a</p>\n<ul>\n<li>b</li>\n<li>c</li>\n</ul>'
    """
    blocks = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        lines: list[str] = []
        items: list[str] = []
        for line in paragraph.splitlines():
            if line.startswith("- "):
                items.append(f"<li>{inline(line[2:])}</li>")
            else:
                lines.append(inline(line.strip()))
        blocks += [f"<p>{' '.join(lines)}</p>"] if any(lines) else []
        blocks += ["<ul>\n" + "\n".join(items) + "\n</ul>"] if items else []
    return "\n".join(blocks)


def code(text: str) -> str:
    """Lines to copy."""
    return f"<pre><code>{escape(text)}</code></pre>"
