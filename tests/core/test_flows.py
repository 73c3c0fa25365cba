"""Every entry of FLOWS obeys the laws; the layers have the Jacobians their order says; zuko computes the same."""

from __future__ import annotations

import pytest
import torch
import zuko
from torch import Tensor, nn
from torch.autograd.gradcheck import GradcheckError
from torch.distributions import AffineTransform

from core.flows import FLOWS, Chain, Flow, Invert
from core.flows.autoregressive import AutoregressiveLayer
from core.flows.coupling import AdditiveCoupling, AffineCoupling, DiagonalScaling
from core.flows.permute import Permute, reverse
from core.priors import PRIORS
from tests import contracts
from tests.contracts import FLOW_LAWS, both_directions, jacobian, perturbed, registered_flow, registered_prior, seeded

pytestmark = pytest.mark.usefixtures("seeded_layers")


@pytest.mark.parametrize("kind", FLOWS)
@pytest.mark.parametrize("law", FLOW_LAWS, ids=lambda law: law.__name__)
def test_every_flow_obeys(law, kind: str) -> None:
    law(registered_flow(kind))


class Scaling(Flow):
    """z = 3 u, with one parameter; the flow the broken ones below differ from."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.ones(dim))

    def forward_and_log_det(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return u * self.log_scale.exp(), self.log_scale.sum().expand(len(u))

    def inverse_and_log_det(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return z * (-self.log_scale).exp(), -self.log_scale.sum().expand(len(z))


class CountedForEachDimension(Scaling):
    """Defect P2: log|det J| broadcast over the dimensions, then summed."""

    def inverse_and_log_det(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return z * (-self.log_scale).exp(), -self.log_scale.sum().expand(len(z)) * z.shape[1]


class DetachedScale(Scaling):
    def inverse_and_log_det(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return z * (-self.log_scale.detach()).exp(), -self.log_scale.sum().expand(len(z))


class NotItsInverse(Scaling):
    def inverse_and_log_det(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return z * (-1.01 * self.log_scale).exp(), -1.01 * self.log_scale.sum().expand(len(z))


def test_the_scaling_obeys_every_law() -> None:
    contracts.check_flow(Scaling)


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (CountedForEachDimension, contracts.log_det_is_that_of_the_jacobian),
        (CountedForEachDimension, contracts.a_round_trip_changes_nothing),
        (NotItsInverse, contracts.a_round_trip_changes_nothing),
    ],
)
def test_a_known_defect_is_refused(broken, law) -> None:
    with pytest.raises(AssertionError):
        law(broken)


def test_a_missing_gradient_is_refused() -> None:
    with pytest.raises((AssertionError, GradcheckError)):
        contracts.gradients_are_those_of_finite_differences(DetachedScale)


@pytest.mark.parametrize("dim", [2, 3, 5, 8])
@pytest.mark.parametrize("wrap", [lambda layer: layer, Invert], ids=["MAF", "IAF"])
def test_an_autoregressive_layer_is_exactly_triangular(wrap, dim: int) -> None:
    flow = wrap(perturbed(AutoregressiveLayer(dim, (32, 32)).double(), 0.5))
    below = torch.ones(dim, dim).tril(-1).bool()
    for direction in both_directions(flow):
        seen = torch.zeros(dim, dim, dtype=torch.bool)
        for point in torch.randn(8, dim, generator=seeded(1), dtype=torch.float64):
            matrix = jacobian(direction, point)
            assert (matrix.triu(1) == 0).all(), "a coordinate sees one that comes after it"
            assert (matrix.diagonal() > 0).all()
            seen |= matrix != 0
        assert seen[below].all(), "a coordinate does not see one that comes before it"


@pytest.mark.parametrize(("layer", "dim"), [(AffineCoupling, 2), (AffineCoupling, 5), (AdditiveCoupling, 5)])
def test_a_coupling_keeps_one_half(layer, dim: int) -> None:
    flow = perturbed(layer(dim, (16,)).double(), 0.5)
    kept = dim // 2
    for direction in both_directions(flow):
        matrix = jacobian(direction, torch.randn(dim, generator=seeded(2), dtype=torch.float64))
        assert torch.equal(matrix[:kept], torch.eye(dim, dtype=torch.float64)[:kept])
        moved = matrix[kept:, kept:]
        assert torch.equal(moved, moved.diagonal().diag()) and (moved.diagonal() > 0).all()
        assert (matrix[kept:, :kept] != 0).any()


@pytest.mark.parametrize("kind", FLOWS)
def test_every_coordinate_depends_on_every_other(kind: str) -> None:
    """Without permutations between the layers some would not (pitfall 20)."""
    flow = contracts.trained(registered_flow(kind), 5)
    for direction in both_directions(flow):
        points = torch.randn(4, 5, generator=seeded(3), dtype=torch.float64)
        assert (sum(jacobian(direction, point).abs() for point in points) > 0).all()


@pytest.mark.parametrize("kind", FLOWS)
def test_every_flow_starts_as_a_rotation_of_the_identity(kind: str) -> None:
    flow = registered_flow(kind)(4)
    u = torch.randn(9, 4, generator=seeded(4))
    z, log_det = flow.forward_and_log_det(u)
    assert torch.equal(z.sort(1).values, u.sort(1).values) and (log_det == 0).all()


def test_only_nice_s_scaling_changes_a_volume() -> None:
    flow = contracts.trained(registered_flow("nice"), 4)
    points = torch.randn(10, 4, generator=seeded(5), dtype=torch.float64)
    _, log_det = flow.forward_and_log_det(points)
    assert torch.allclose(log_det, log_det[0]) and abs(float(log_det[0].detach())) > 1e-3
    scaling = next(module for module in flow.modules() if isinstance(module, DiagonalScaling))
    assert torch.allclose(scaling.forward_and_log_det(points)[1], log_det)


@pytest.mark.parametrize("kind", ["nice", "realnvp"])
def test_couplings_refuse_one_dimension(kind: str) -> None:
    with pytest.raises(ValueError, match="dim >= 2; got dim=1"):
        FLOWS[kind](1)


@pytest.mark.parametrize("kind", ["maf", "iaf"])
def test_autoregressive_flows_take_one_dimension(kind: str) -> None:
    assert contracts.dimensions(registered_flow(kind))[0] == 1


@pytest.mark.parametrize("order", [[0, 0, 2], [1, 2, 3], [0, 2]])
def test_permute_refuses_what_is_no_permutation(order: list[int]) -> None:
    with pytest.raises(ValueError, match="permutation"):
        Permute(torch.tensor(order))


def test_permute_undoes_itself() -> None:
    flow = Permute(torch.tensor([2, 0, 3, 1]))
    u = torch.randn(3, 4, generator=seeded(6))
    z, _ = flow.forward_and_log_det(u)
    assert torch.equal(z, u[:, [2, 0, 3, 1]]) and torch.equal(flow.inverse_and_log_det(z)[0], u)


def test_a_chain_runs_forward_first_to_last() -> None:
    chain = Chain([reverse(2), perturbed(DiagonalScaling(2))])
    u = torch.tensor([[1.0, 2.0]])
    scales = chain.flows[1]._log_scale().exp()
    assert torch.allclose(chain.forward_and_log_det(u)[0], torch.tensor([[2.0, 1.0]]) * scales)


@pytest.mark.parametrize("kind", ["maf", "iaf"])
@pytest.mark.parametrize("scale", [0.2, 1.0])
def test_a_wild_network_stays_finite_in_many_dimensions(kind: str, scale: float) -> None:
    """The textbook inversion meets intermediate values that belong to no point; none of them may reach infinity."""
    flow = perturbed(FLOWS[kind](64, hidden=(64, 64), layers=2), scale)
    for direction in both_directions(flow):
        value, log_det = direction(0.1 * torch.randn(4, 64, generator=seeded(7)))
        assert torch.isfinite(log_det).all(), "log-scales are bounded, so is their sum"
        assert torch.isfinite(value).all()


# ---------------------------------------------------------------- zuko as the oracle


def zuko_autoregressive(layer: AutoregressiveLayer, dim: int) -> zuko.transforms.AutoregressiveTransform:
    """Data to noise, with our network inside zuko's transformation."""

    def meta(z: Tensor) -> AffineTransform:
        shift, log_scale = layer.conditioner(z)
        return AffineTransform(-shift * (-log_scale).exp(), (-log_scale).exp(), cache_size=0)

    return zuko.transforms.AutoregressiveTransform(_meta(meta), passes=dim)


def _meta(affine):
    """zuko asks a transformation for call_and_ladj; torch's has log_abs_det_jacobian only."""

    class Affine(zuko.transforms.MonotonicAffineTransform):
        def __init__(self, inner: AffineTransform) -> None:
            super().__init__(inner.loc, torch.zeros_like(inner.loc))
            self.shift, self.scale = inner.loc, inner.scale

        def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
            return self.scale.log().expand(x.shape)

    def meta(z: Tensor):
        return zuko.transforms.DependentTransform(Affine(affine(z)), 1)

    return meta


def test_zuko_agrees_on_an_autoregressive_layer() -> None:
    dim = 6
    layer = perturbed(AutoregressiveLayer(dim, (24, 24)).double(), 0.4)
    theirs = zuko_autoregressive(layer, dim)
    z = torch.randn(20, dim, generator=seeded(8), dtype=torch.float64)
    u, log_det = layer.inverse_and_log_det(z)
    their_u, their_log_det = theirs.call_and_ladj(z)
    assert torch.allclose(u, their_u, atol=1e-12) and torch.allclose(log_det, their_log_det, atol=1e-12)
    assert torch.allclose(layer.forward_and_log_det(u)[0], theirs.inv(u), atol=1e-9)


def test_zuko_s_density_is_that_of_the_maf_prior() -> None:
    dim = 4
    prior = registered_prior("maf")(dim).double()
    perturbed(prior)
    steps: list = []
    for flow in reversed(prior.flow.flows):
        order = flow.undo if isinstance(flow, Permute) else None
        steps.append(zuko_autoregressive(flow, dim) if order is None else zuko.transforms.PermutationTransform(order))
    base = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(dim).double(), 1.0), 1)
    theirs = zuko.distributions.NormalizingFlow(zuko.transforms.ComposedTransform(*steps), base)
    z = torch.randn(50, dim, generator=seeded(9), dtype=torch.float64)
    assert torch.allclose(prior.log_prob(z), theirs.log_prob(z), atol=1e-10)


def test_a_flow_prior_of_one_affine_layer_is_a_gaussian() -> None:
    """z = L u + mu with constant conditioners: torch's own normal density is known."""
    prior = PRIORS["realnvp"].from_config({"layers": 2, "hidden": 4}, _context(4)).double()
    last = [flow.net[-1] for flow in prior.flow.flows if isinstance(flow, AffineCoupling)]
    with torch.no_grad():
        for layer, shift, log_scale in zip(last, (0.5, -1.0), (0.3, -0.7), strict=True):
            layer.bias.copy_(torch.tensor([shift, shift, log_scale, log_scale]))
    bounded = 5 * torch.tanh(torch.tensor([0.3, -0.7]).double() / 5)
    # two couplings, each followed by a reversal: the first moves u's second half, the second moves u's first half
    loc = torch.tensor([-1.0, -1.0, 0.5, 0.5]).double()
    scale = torch.stack([bounded[1], bounded[1], bounded[0], bounded[0]]).exp()
    oracle = torch.distributions.Independent(torch.distributions.Normal(loc, scale), 1)
    z = torch.randn(30, 4, generator=seeded(10), dtype=torch.float64)
    assert torch.allclose(prior.log_prob(z), oracle.log_prob(z), atol=1e-10)


def _context(dim: int):
    from core.priors import PriorContext

    return PriorContext(dim, 1, nn.Identity())
