"""Imports of latents as jobs: fitting a prior to many codes takes longer than a page may wait."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core import jobs
from core.checkpoint_folders import checkpoint_root
from core.config import validated
from core.imported import PRIOR_KINDS, STEPS
from core.jobs import JobStatus
from core.priors import PRIORS
from core.training_request import require_free

COMMAND = "import-latents"


def arguments(
    file: Path, name: str, prior: str, options: Mapping[str, Any], steps: int = STEPS, seed: int = 0
) -> list[str]:
    """The words after ``python -m core`` that import a file; settings at their defaults are left out.

    Raises:
        ValueError: for a prior that needs an encoder, or an option out of range.
    """
    if prior not in PRIOR_KINDS:
        raise ValueError(f"prior is {prior!r}, expected one that needs no encoder: {', '.join(PRIOR_KINDS)}")
    kind = PRIORS[prior]
    chosen = validated(kind.options, dict(options), f"{kind.title}, prior").model_dump()
    usual = kind.options.model_validate({}).model_dump()
    words = [COMMAND, str(file), "--name", name, "--prior", prior]
    for key, value in chosen.items():
        if value != usual[key]:
            words += ["--prior-option", f"{key}={value}"]
    if steps != STEPS and prior not in ("standard", "gaussian"):
        words += ["--steps", str(steps)]
    return [*words, "--seed", str(seed)] if seed else words


def start(words: list[str]) -> str:
    """Start an import, or put it into the queue.

    Returns:
        The job's id.

    Raises:
        ValueError: its name cannot be had, or no job can be started.
    """
    root = checkpoint_root()
    require_free(words[words.index("--name") + 1], root)
    with_root = [*words, "--root", str(root)]
    name = jobs.job_id(with_root)
    if jobs.status(name).state == "done":  # its checkpoint was deleted since
        jobs.forget(name)
    return jobs.submit(with_root)


def known() -> list[JobStatus]:
    """Imports into this folder of checkpoints that are kept, the newest first.

    Raises:
        ValueError: the folder of the jobs cannot be read.
    """
    root = str(checkpoint_root())
    return [job for job in jobs.known(COMMAND) if job.arguments[-2:] == ("--root", root)]


def name_of(job: JobStatus) -> str:
    """Name of the checkpoint that an import makes, "" where its words cannot be read."""
    words = list(job.arguments)
    return words[words.index("--name") + 1] if "--name" in words[:-1] else ""
