"""Checkpoints with every file that there is, to be damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.component_measure import store_components
from tests.pages.zoo import climbed, imported, tiny_data, trained

CURVE = [
    {"epoch": e, "beta": 1.0, "reconstruction": -5.0 + e, "kl": 1.0, "validation_elbo": -6.0 + e, "seconds": 0.5}
    for e in (1, 2, 3)
]


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three: a VampPrior with snapshots and a ladder, a flow posterior, imported latents with images."""
    import json

    root, data = tmp_path_factory.mktemp("whole"), tiny_data()
    trained(root, "vamp", "vamp", data, snapshots=20)
    climbed(root, "vamp", data)
    trained(root, "iaf", "mog", data, posterior="iaf")
    imported(root, "latents", "mog", pictures=True)
    store_components("vamp", root, data)
    metrics = root / "vamp" / "metrics.json"
    content = json.loads(metrics.read_text())
    metrics.write_text(json.dumps({**content, "training": {"curve": CURVE, "best_epoch": 2, "seconds": 3.0}}))
    return root
