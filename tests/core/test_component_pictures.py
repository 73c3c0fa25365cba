"""What components generate: two steps with the right frequencies, ways that end where they should, known copies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core import component_pictures, memorisation
from core.checkpoint import Checkpoint, load
from core.component_table import path_csv, steps_csv
from core.datasets import load as load_data
from core.figures import component_words
from core.mixture import log_prob
from core.posthoc import data_of
from core.prepared import Prepared
from core.pseudo_inputs import components
from core.typicality import reference
from tests.pages.zoo import tiny_data, trained


@pytest.fixture(scope="module")
def vamp(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    root = tmp_path_factory.mktemp("components")
    return load(trained(root, "vamp", "vamp", tiny_data()).name, root)


@pytest.fixture(scope="module")
def mog(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    root = tmp_path_factory.mktemp("components")
    loaded = load(trained(root, "mog", "mog", tiny_data()).name, root)
    with torch.no_grad():
        loaded.vae.prior.logits.copy_(torch.tensor([2.0, 1.0, 0.0, -1.0, -2.0]))
    return loaded


def test_the_steps_have_the_frequencies_of_the_weights(mog: Checkpoint) -> None:
    n = 20_000
    steps = component_pictures.two_steps(mog, n, seed=3)
    mean, log_var, log_weight = component_pictures.mixture_of(mog).components()
    counts, expected = np.bincount(steps.component, minlength=5), n * log_weight.exp().detach().numpy()
    assert ((counts - expected) ** 2 / expected).sum() < 23.5  # chi-squared of 4 degrees of freedom: p = 1e-4
    of_first = (steps.z[steps.component == 0] - mean[0].detach().numpy()) / log_var[0].mul(0.5).exp().detach().numpy()
    assert np.abs(of_first.mean(0)).max() < 5 / np.sqrt(len(of_first)) and abs(of_first.std() - 1) < 0.03


def test_the_steps_are_the_prior_s_own_draws(vamp: Checkpoint) -> None:
    steps = component_pictures.two_steps(vamp, 50, seed=7)
    assert len(set(steps.component.tolist())) > 1 and steps.component.tolist() != list(range(50))
    drawn = vamp.vae.prior.sample(50, generator=torch.Generator().manual_seed(7))
    np.testing.assert_array_equal(steps.z, drawn.numpy())
    assert steps.images.shape == (50, 4, 4)
    assert steps_csv(steps).splitlines()[1].split(",")[1] == str(steps.component[0] + 1)


def test_samples_of_a_component(vamp: Checkpoint) -> None:
    means = component_pictures.samples(vamp, 2, 16, seed=1)
    draws = component_pictures.samples(vamp, 2, 16, seed=1, drawn=True)
    assert means.shape == draws.shape == (16, 4, 4)
    assert set(np.unique(draws)) == {0.0, 1.0} and 0 < means.min() < means.max() < 1
    np.testing.assert_array_equal(means, component_pictures.samples(vamp, 2, 16, seed=1))
    many = component_pictures.samples(vamp, 2, 4000, seed=1, drawn=True)
    np.testing.assert_allclose(many.mean(0), component_pictures.samples(vamp, 2, 4000, seed=1).mean(0), atol=0.05)


def test_pseudo_inputs_and_decoded_means(vamp: Checkpoint, mog: Checkpoint) -> None:
    u = component_pictures.pseudo_inputs(vamp)
    assert u is not None and u.shape == (5, 4, 4) and 0 < u.min() < u.max() < 1
    assert component_pictures.pseudo_inputs(mog) is None
    decoded = component_pictures.decoded_means(vamp)
    np.testing.assert_allclose(decoded.reshape(5, -1), vamp.vae.reconstruct(torch.from_numpy(u).flatten(1)), atol=1e-5)


def density(checkpoint: Checkpoint) -> Prepared:
    assert checkpoint.latents is not None
    return Prepared(*checkpoint.latents.components())


def test_both_ways_end_at_the_components(vamp: Checkpoint, mog: Checkpoint) -> None:
    way = component_pictures.interpolation(vamp, density(vamp), 1, 3)
    mean = component_pictures.mixture_of(vamp).components()[0].detach().numpy()
    u, decoded = component_pictures.pseudo_inputs(vamp), component_pictures.decoded_means(vamp)
    assert way.in_u is not None and way.in_u.inputs is not None and u is not None
    for path in (way.in_z, way.in_u):
        np.testing.assert_allclose(path.z[[0, -1]], mean[[1, 3]], atol=1e-5)
        np.testing.assert_allclose(path.images[[0, -1]], decoded[[1, 3]], atol=1e-5)
        assert path.t[0] == 0 and path.t[-1] == 1 and path.shown[-1] == len(path.t) - 1
        components = vamp.latents.components()  # type: ignore[union-attr]
        np.testing.assert_allclose(path.log_q, log_prob(torch.from_numpy(path.z), *components), atol=1e-3)
        np.testing.assert_allclose(path.log_p, vamp.vae.prior.log_prob(torch.from_numpy(path.z)).detach(), atol=1e-4)
    np.testing.assert_allclose(way.in_u.inputs[[0, -1]], u[[1, 3]], atol=1e-6)
    np.testing.assert_allclose(way.in_u.inputs[4], (u[1] + u[3]) / 2, atol=1e-6)
    np.testing.assert_allclose(way.in_z.z[16], (mean[1] + mean[3]) / 2, atol=1e-6)
    assert component_pictures.interpolation(mog, density(mog), 0, 1).in_u is None
    lines = path_csv(way.named()).splitlines()
    assert len(lines) == 1 + 2 * len(way.in_z.t) and lines[1].startswith("straight in z,0.0,")


def test_the_usual_densities_are_those_of_the_draws(vamp: Checkpoint) -> None:
    usual = component_pictures.usual(reference(vamp.latents, vamp.vae.prior, seed=2))
    log_p = vamp.vae.prior.log_prob(vamp.vae.prior.sample(4000, generator=torch.Generator().manual_seed(9)))
    assert float((log_p < usual.log_p[0]).float().mean()) == pytest.approx(0.05, abs=0.02)
    assert float((log_p < usual.log_p[1]).float().mean()) == pytest.approx(0.5, abs=0.04)
    assert usual.log_q[0] < usual.log_q[1] < usual.log_q[2]


def test_pixel_distance_is_the_expected_one_of_a_draw() -> None:
    generator = torch.Generator().manual_seed(0)
    u, images = torch.rand(3, 40, generator=generator), torch.bernoulli(torch.rand(5, 40, generator=generator))
    squares = images.square().sum(1)
    found = memorisation.pixel_distances(u, images, squares, binary=True)
    draws = torch.bernoulli(u.expand(20_000, 3, 40), generator=generator)
    for k in range(5):
        np.testing.assert_allclose(found[:, k], (draws != images[k]).float().mean((0, 2)), atol=0.003)
    own = memorisation.pixel_distances(images, images, squares, binary=True)
    assert own.diagonal().abs().max() < 1e-6
    grey = memorisation.pixel_distances(u, u, u.square().sum(1), binary=False)
    torch.testing.assert_close(grey, (u[:, None] - u).square().mean(2).sqrt(), atol=1e-3, rtol=0)


def test_latent_distance_is_in_standard_deviations() -> None:
    found = memorisation.latent_distances(
        torch.tensor([[1.0, 0.0]]), torch.tensor([[4.0, 8.0]]), torch.tensor([3.0, 4.0])
    )
    assert found.item() == pytest.approx(np.sqrt((1 + 4) / 2))
    scale = memorisation.typical_scale(torch.log(torch.tensor([[1.0, 4.0], [3.0, 4.0]])))
    np.testing.assert_allclose(scale, np.sqrt([2, 4]))


DATA = tiny_data()


def test_a_pseudo_input_that_is_a_training_image_is_a_copy(vamp: Checkpoint) -> None:
    prior, images = vamp.vae.prior, DATA.fixed("train").images
    before = prior.logits.detach().clone()
    everyone = images.unique(dim=0)
    apart = memorisation.pixel_distances(everyone, everyone, everyone.sum(1), binary=True)
    lonely = everyone[apart.topk(2, largest=False).values[:, 1].argmax()]
    try:
        with torch.no_grad():
            prior.logits[0] = torch.logit(lonely.clamp(1e-6, 1 - 1e-6))
        found = memorisation.compare_with(vamp, DATA)
        latent, pixel = memorisation.nearest(found, 0, 3, None)
        assert pixel.distances[0] < 1e-4 and pixel.ratio < 0.01
        assert torch.equal(images[pixel.rows[0]], lonely)
        assert latent.distances[0] < 1e-2 and (np.diff(latent.distances) >= 0).all()
        assert memorisation.pictures(vamp, images, pixel.rows).shape == (3, 4, 4)
        table = components(prior, vamp.latents, seed=0)  # type: ignore[arg-type]
        copies = memorisation.copies(found, table)
        assert copies.closer[0] == pytest.approx(pixel.closer) and copies.apart[0] == pytest.approx(pixel.apart)
        assert copies.near[1] <= copies.near[0] <= copies.near[2] and len(copies.closer) == 5
        assert copies.both[0] == np.mean((copies.closer < 0.05) & (copies.apart < 0.05)) <= copies.near[0]
    finally:
        with torch.no_grad():
            prior.logits.copy_(before)


def test_copies_of_what_is_binarised_afresh_are_found_and_averages_are_none() -> None:
    """By draws against one stored binarisation 98 of 100 copies of the digits were called no copy."""
    loaded, data = load("digits-2d-vamp"), load_data("digits")
    chosen = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(3))[:25]
    grey, stored = data.train.images[chosen], data.fixed("train").images[chosen]
    alike = torch.cdist(grey, data.train.images).topk(20, largest=False).indices
    prior = loaded.vae.prior
    for u, what in ((grey, "A copy"), (stored, "A copy"), (data.train.images[alike].mean(1), "No copy")):
        with torch.no_grad():
            prior.logits[:25] = torch.logit(u.clamp(1e-6, 1 - 1e-6))  # pyright: ignore
        found = memorisation.compare_with(loaded, data)
        words = [component_words.nearest_sentence(*memorisation.nearest(found, k, 3, None)) for k in range(25)]
        told = [sum(one.startswith(start) for one in words) for start in ("A copy", "No copy")]
        assert told == [25, 0] if what == "A copy" else told[0] == 0 and told[1] > 10, (what, told)


def test_the_nearest_are_those_of_all_distances(vamp: Checkpoint) -> None:
    found, train, test = memorisation.compare_with(vamp, DATA), DATA.fixed("train"), DATA.fixed("test")
    u = vamp.vae.prior.pseudo_inputs.detach()
    every = ((u[:, None] * (1 - train.images)) + (1 - u[:, None]) * train.images).mean(2).numpy()
    np.testing.assert_allclose(found.pixel, np.sort(every, 1)[:, : memorisation.KEPT], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(every, found.pixel_rows, 1), found.pixel, atol=1e-6)
    assert train.labels is not None and found.pixel_labels is not None
    np.testing.assert_array_equal(train.labels.numpy()[found.pixel_rows], found.pixel_labels)
    own = (test.images[:, None] - train.images).square().mean(2).numpy()
    np.testing.assert_allclose(np.sort(found.new_pixel), np.sort(own.min(1)), atol=1e-6)
    assert found.train == 60 and found.drawn and len(found.new_latent) == 40


def test_new_images_are_compared_by_class_where_there_are_enough(
    vamp: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = memorisation.compare_with(vamp, DATA)
    assert memorisation.nearest(found, 1, 2, 0)[1].of_class is None and found.new_pixel.shape == (40,)
    monkeypatch.setattr(memorisation, "FEWEST", 10)
    pixel = memorisation.nearest(found, 1, 2, 0)[1]
    assert pixel.of_class == 0 and pixel.compared == int((found.new_labels == 0).sum())
    assert pixel.labels is not None and pixel.unit == memorisation.PIXEL_UNIT


def test_without_the_data_set_stored_images_are_the_nearest(vamp: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not the data this model was trained on"):
        data_of(vamp.config, tmp_path, download=False)  # the real digits are not the drawn ones
    found = memorisation.nearest_stored(vamp, 0, 4)
    assert len(found.rows) == 4 and (np.diff(found.distances) >= 0).all() and np.isnan(found.closer)
