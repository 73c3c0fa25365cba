"""Where the program may keep what it can make again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(name: str, variable: str) -> Path:
    """The folder that an environment variable names, else ``name`` in the user's cache folder. It need not exist.

    Args:
        name: of the folder in ``$XDG_CACHE_HOME/priorscope``, or in ``~/.cache/priorscope``.
        variable: of the environment; empty is unset.

    Raises:
        ValueError: the path names an unknown home folder.
    """
    chosen = os.environ.get(variable)
    if not chosen:
        cache = os.environ.get("XDG_CACHE_HOME", "")
        # The XDG specification has relative values ignored.
        chosen = Path(cache if Path(cache).is_absolute() else "~/.cache") / "priorscope" / name
    try:
        return Path(chosen).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(f"the {name} folder {chosen} has no known home folder; set {variable} to a path") from error
