"""Damaged checkpoints by the thousand: each is listed with its reason or still readable and right."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings

from core import model_card
from core.checkpoint import Checkpoint, load
from core.checkpoint_content import require_same_content
from core.checkpoint_list import list_checkpoints
from core.component_file import read_components
from core.errors import CheckpointError
from core.ladder_file import read_ladder
from core.per_image import read_per_image
from core.snapshots_file import read_snapshots
from tests.contracts import seeded
from tests.faults.damage import BINARY, MEASURES, TEXT, Damage, apply, damages

SECONDS = 5.0
"""No reading of a damaged checkpoint may take longer."""
SPACE = 2**30
"""Bytes of address space that it may take; a terabyte that is only mapped counts as well."""

KINDS = ("vamp", "iaf", "latents")
COMMON = {
    "deadline": None, "derandomize": True, "database": None, "suppress_health_check": list(HealthCheck),
    "phases": (Phase.explicit, Phase.generate),
}  # fmt: skip


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """A limit on what the process may map, so that a giant allocation fails instead of going unseen."""
    if sys.platform != "linux":
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + SPACE, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@contextlib.contextmanager
def soon() -> Iterator[None]:
    """What hangs is interrupted, as far as Python sees it; for the rest the test has its own limit of time."""

    def ring(*_: object) -> None:
        raise AssertionError(f"still reading after {4 * SECONDS:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 4 * SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def check(whole: Path, kind: str, damage: Damage) -> None:
    """Damage a copy, and read all of it as pages do."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(whole / kind, root / kind)
        if not (root / kind / damage.file).is_file():
            return
        apply(root / kind, damage)
        began = time.process_time()
        with little_memory(), soon():
            (info,) = list_checkpoints(root)
            try:
                loaded = load(kind, root)
            except CheckpointError as error:
                _require_reason(info.error, error)
            else:
                assert info.error is None
                _require_usable(loaded, root / kind)
                _require_right(loaded, load(kind, whole), root / kind, damage)
            _read_the_rest(root, kind)
        assert time.process_time() - began < SECONDS


def _require_reason(listed: str | None, error: CheckpointError) -> None:
    assert listed == str(error) and 5 < len(str(error)) < 1000
    assert not any(word in str(error).lower() for word in ("allocat", "memory", "traceback")), error


@torch.no_grad()
def _require_usable(loaded: Checkpoint, folder: Path) -> None:
    z = loaded.vae.prior.sample(5, generator=seeded(1))
    assert loaded.vae.prior.log_prob(z).shape == (5,)
    if loaded.config.model.decodes:
        assert loaded.vae.decode(z).shape[0] == 5
    cloud = loaded.latents or loaded.flow_latents
    assert cloud is None or 1 <= len(cloud) <= cloud.total


@torch.no_grad()
def _require_right(loaded: Checkpoint, original: Checkpoint, folder: Path, damage: Damage) -> None:
    """What the hashes vouch for is what was saved."""
    if damage.vouched or damage.file not in BINARY or damage.file not in loaded.config.files:
        return
    require_same_content(folder, loaded.config)
    z = torch.randn(5, loaded.config.model.latent_dim, generator=seeded(2))
    assert torch.equal(loaded.vae.prior.log_prob(z), original.vae.prior.log_prob(z))
    for ours, theirs in ((loaded.latents, original.latents), (loaded.flow_latents, original.flow_latents)):
        for name, value in vars(ours).items() if ours is not None else ():
            assert np.array_equal(value, getattr(theirs, name))


def _read_the_rest(root: Path, kind: str) -> None:
    """Files that pages read when they are asked for them: each may only refuse."""
    with contextlib.suppress(CheckpointError):
        read_ladder(root / kind)
    with contextlib.suppress(CheckpointError):
        model_card.model_card(kind, root)
    for file in model_card.TEXT_FILES:
        with contextlib.suppress(CheckpointError):
            model_card.files_as_text(kind, file, root)
    with contextlib.suppress(CheckpointError):
        loaded = load(kind, root)
        read_snapshots(root / kind, loaded.vae.prior, loaded.config.model.pixels, loaded.config.data.class_names)
    with contextlib.suppress(CheckpointError):
        loaded = load(kind, root)
        read_components(root / kind, "test", loaded.digest)
    with contextlib.suppress(CheckpointError):
        read_per_image(root / kind, "test", load(kind, root).metrics.get("evaluations", {}).get("test", {}))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20, **COMMON)
@given(damage=damages((*BINARY, *MEASURES, *TEXT)))
def test_a_damaged_checkpoint_is_told_or_right(whole: Path, kind: str, damage: Damage) -> None:
    check(whole, kind, damage)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=400, **COMMON)
@given(damage=damages((*BINARY, *MEASURES, *TEXT)))
def test_a_thousand_damaged_checkpoints(whole: Path, kind: str, damage: Damage) -> None:
    check(whole, kind, damage)
