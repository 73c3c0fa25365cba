"""A decoder without torch is the same decoder, and what is sent to a browser comes out of its block unchanged."""

from __future__ import annotations

import json
from copy import deepcopy

import numpy as np
import pytest
import torch

from core import decoder_export, mixture
from core.browser_bundle import model_bundle
from core.bundle import pack, unpack
from core.checkpoint import Checkpoint, load
from core.typicality import reference
from tests.core.decoding import decode

SHIPPED = ("digits-2d-vamp", "mnist-40d-vamp", "frey-40d-vamp")


def blocks(checkpoint: Checkpoint, seed: int = 0) -> tuple[dict, dict[str, np.ndarray]]:
    compared = reference(checkpoint.latents, checkpoint.vae.prior, seed=seed)
    return unpack(model_bundle(checkpoint, compared, "here", seed=seed))


@pytest.fixture(scope="module", params=SHIPPED)
def shipped(request: pytest.FixtureRequest) -> Checkpoint:
    return load(request.param)


def test_numpy_decodes_as_torch_does(shipped: Checkpoint) -> None:
    meta, arrays = blocks(shipped)
    dim = shipped.vae.prior.dim
    z = torch.randn((200, dim), generator=torch.Generator().manual_seed(1)) * torch.linspace(0.2, 4, 200)[:, None]
    with torch.no_grad():  # in double precision: in single, torch's own rounding is 2e-5 at the farthest of these codes
        expected = deepcopy(shipped.vae.decoder).double()(z.double()).mean.numpy()
    np.testing.assert_allclose(decode(meta["decoder"], arrays, z.numpy()), expected, atol=1e-5)


def test_a_draw_has_the_frequencies_of_the_likelihood(shipped: Checkpoint) -> None:
    z = shipped.vae.prior.sample(1, generator=torch.Generator().manual_seed(2))
    shape = shipped.config.model.image_shape
    made = []
    for seed in range(300):
        meta, arrays = decoder_export.export(shipped.vae.decoder, shape, seed=seed)
        made.append(decode(meta, arrays, z.numpy(), drawn=True)[0])
    with torch.no_grad():
        p = shipped.vae.decoder(z)
        mean = p.mean[0].double().numpy()
        drawn = p.sample(3000, generator=torch.Generator().manual_seed(3))[:, 0].double().numpy()
    unsure = drawn.std(0) > (0.2 if meta["likelihood"] == "bernoulli" else 0)  # of the others a draw says nothing
    off = (np.mean(made, 0) - mean)[unsure] / (drawn.std(0)[unsure] / 300**0.5)
    assert unsure.sum() > 5 and np.abs(off).max() < 6 and 0.7 < np.std(off) < 1.3
    np.testing.assert_allclose(np.std(made, 0)[unsure].mean(), drawn.std(0)[unsure].mean(), rtol=0.1)


def test_the_densities_that_are_sent_are_the_model_s(shipped: Checkpoint) -> None:
    meta, arrays = blocks(shipped)
    assert meta["q"] and meta["p"] and shipped.latents is not None
    z = torch.from_numpy(arrays["q_mean"][:20].copy())
    sent = [torch.from_numpy(arrays[name].copy()) for name in ("p_mean", "p_log_var", "p_log_weight")]
    np.testing.assert_allclose(mixture.log_prob(z, *sent), shipped.vae.prior.log_prob(z).detach(), atol=1e-3)
    np.testing.assert_array_equal(arrays["q_log_var"], shipped.latents.log_var)
    for name in ("q_reference", "p_reference"):
        assert (np.diff(arrays[name]) >= 0).all() and len(arrays[name]) == 2000


def test_a_decoder_of_another_kind_says_why_not() -> None:
    with pytest.raises(ValueError, match="Linear cannot be exported: its decoder is not a stack of gated"):
        decoder_export.export(torch.nn.Linear(2, 4), (1, 2, 2))  # type: ignore[arg-type]


def test_a_flow_prior_sends_no_mixture() -> None:
    meta, arrays = blocks(load("digits-2d-maf"))
    assert meta["q"] and not meta["p"] and "p_mean" not in arrays and "p_reference" in arrays


def test_a_flow_posterior_sends_no_codes() -> None:
    meta, arrays = blocks(load("digits-2d-standard-iaf"))
    assert meta["p"] and not meta["q"] and "q_reference" not in arrays and meta["decoder"] is not None


def test_a_block_gives_back_what_it_was_given() -> None:
    random = np.random.default_rng(0)
    arrays = {
        "odd": random.integers(0, 255, 7).astype(np.uint8),
        "turned": random.normal(size=(3, 5)).astype(np.float32).T,
        "none": np.empty((0, 2), np.float32),
        "whole": np.arange(4, dtype=np.int32),
    }
    meta, found = unpack(pack({"name": "naïve μ", "window": [0.5, None]}, arrays))
    assert meta == {"name": "naïve μ", "window": [0.5, None]}
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    told = json.loads(pack({}, arrays)[4:][: int.from_bytes(pack({}, arrays)[:4], "little")])
    assert all(one["offset"] % 4 == 0 for one in told["arrays"].values())


@pytest.mark.parametrize(("meta", "array"), [({}, np.zeros(2)), ({"x": float("nan")}, np.zeros(2, np.float32))])
def test_a_block_refuses_what_a_browser_cannot_read(meta: dict, array: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"float64|JSON"):
        pack(meta, {"a": array})
