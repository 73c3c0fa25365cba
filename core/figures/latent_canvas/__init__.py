"""The canvas of the latent browser: its HTML, CSS and JavaScript, read once, and the map that it draws, as bytes.

Scripts are plain functions without imports, put one after the other; only the last one exports.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent


def script(*names: str) -> str:
    """The JavaScript files of these names, one after the other."""
    return "\n".join((_FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in names)


FRAME = (_FOLDER / "frame.html").read_text(encoding="utf-8")
STYLE = (_FOLDER / "style.css").read_text(encoding="utf-8")
CANVAS = script("bundle", "decode", "map", "panel", "canvas")
STORE = script("bundle", "store")
