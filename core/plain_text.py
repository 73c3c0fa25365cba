"""Texts that somebody else wrote (names of data sets and classes, texts in files), shown as they are and never obeyed.

They end in Markdown, in Plotly's titles, which know some HTML, and in HTML reports. So that no place has to escape them
for its own language, every character that any of these gives a meaning is replaced by its full-width twin, which looks
the same and means nothing: ``<b>`` becomes ``＜b＞``.
"""

from __future__ import annotations

import re
import unicodedata

MARKS = "<>[]{}`$\\*~|#!&^:/@"
_TWINS = {ord(mark): chr(ord(mark) + 0xFEE0) for mark in MARKS}
_INNOCENT = ":/#!&^@"
"""Marks that mean nothing without the others, and occur in what this program itself writes into files."""
_CODE = re.compile(r"(?<!`)`[^`]+`(?!`)")
LONGEST = 80


def shown(text: str, longest: int = LONGEST) -> str:
    """A text as it may be shown anywhere: one line, its marks replaced by their twins, cut where it is long.

    Example:
        >>> shown("<b>digits</b>"), shown("my_digits-2"), shown("x" * 100) == "x" * 80 + "…"
        ('＜b＞digits＜／b＞', 'my_digits-2', True)
    """
    kept = text[:longest].translate(_TWINS)
    plain = "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in kept)
    return plain + ("…" if len(text) > longest else "")


def is_plain(text: str) -> bool:
    """Whether a text that this program wrote can be shown as it is: printable, and nothing in it formats or links.

    Example:
        >>> is_plain("N(0, I), 2 of 5"), is_plain("[here](http://evil.example)"), is_plain("**bold**")
        (True, False, False)
    """
    return text.isprintable() and not any(mark in text for mark in MARKS if mark not in _INNOCENT)


def shown_error(error: object) -> str:
    """What went wrong, as a page may show it: paths and `code` stay as they are, what it quotes is only text.

    Example:
        >>> shown_error("/x/[a](b).npz is missing: run `python -m core data`")
        '/x/［a］(b).npz is missing: run `python -m core data`'
        >>> shown_error("one ` alone would begin code that ends far behind it")
        'one ｀ alone would begin code that ends far behind it'
    """
    text = str(error)
    kept_marks = _INNOCENT + ("" if "`" in _CODE.sub("", text) else "`")
    kept = text.translate({mark: twin for mark, twin in _TWINS.items() if chr(mark) not in kept_marks})
    return "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in kept)
