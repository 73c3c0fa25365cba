"""Reading a drawn figure: one of its traces, and the words on it."""

from __future__ import annotations

import re


def of(figure, name, axis="", meta="run"):
    (trace,) = [t for t in figure.data if t.name == name and t.xaxis == f"x{axis}" and t.meta == meta]
    return trace


def texts(figure):
    return [re.sub("<br>", " ", note.text) for note in figure.layout.annotations]


def plain(figure):
    return [re.sub("<.*?>", "", text) for text in texts(figure)]
