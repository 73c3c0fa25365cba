"""The flows that are timed: as many parameters in each, and weights that make a bent map, as training does."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, nn

from core.flow_timing_records import FLOW_NAMES, FlowName, FlowTimingSettings
from core.flows import COUPLINGS, FLOWS, Flow
from core.flows.coupling import AdditiveCoupling, DiagonalScaling
from core.ladder_fit import fitted_numbers

LOG_SCALE_SHARE = 0.25
"""Of log-scales, how strong they are beside shifts: random ones that grow with z make z run away."""
_NOISE = 1024  # points that a layer's sharpness is set on


@dataclass(frozen=True)
class TimedFlow:
    """A flow with what its timings have to say of it.

    Attributes:
        name: key of ``FLOWS``.
        dim: d.
        hidden: widths of each layer's network.
        parameters: numbers that can be learned.
        flow: in evaluation mode, on its device.
    """

    name: FlowName
    dim: int
    hidden: tuple[int, ...]
    parameters: int
    flow: Flow


def make_flows(settings: FlowTimingSettings, dim: int) -> list[TimedFlow]:
    """All flows of one dimension. MAF and IAF have the same weights; couplings are left out at d = 1.

    Args:
        settings: of the run.
        dim: d.
    """
    flows = []
    for name in FLOW_NAMES:
        if name in COUPLINGS and dim < 2:
            continue
        hidden = matching_widths(name, dim, settings) if name in COUPLINGS else settings.hidden
        flow = _seeded(name, dim, hidden, settings)
        flows.append(TimedFlow(name, dim, hidden, fitted_numbers(flow), flow))
    return flows


def matching_widths(name: FlowName, dim: int, settings: FlowTimingSettings) -> tuple[int, ...]:
    """Widths in the proportions of ``settings.hidden`` that give a flow as nearly MAF's parameters as can be."""

    def widths(first: int) -> tuple[int, ...]:
        return tuple(max(1, round(first * width / settings.hidden[0])) for width in settings.hidden)

    @torch.random.fork_rng(devices=[])  # the weights are not used, the process-wide state stays
    def count(kind: str, hidden: tuple[int, ...]) -> int:
        return fitted_numbers(FLOWS[kind](dim, hidden, settings.layers))

    target = count("maf", settings.hidden)
    low, high = 1, settings.hidden[0]
    while count(name, widths(high)) < target:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(name, widths(middle)) < target else (low, middle)
    return widths(min((low, high), key=lambda first: abs(count(name, widths(first)) - target)))


@torch.no_grad()
def sharpen(flow: nn.Module, sharpness: float, generator: Generator) -> None:
    """Replace the last layer of every network, which starts at zero, by one that bends the space.

    Args:
        flow: changed in place.
        sharpness: standard deviation, at standard normal input, of what each network gives: shifts, and log-scales that
            are a quarter as strong.
        generator: source of the weights.
    """
    for module in flow.modules():
        net = getattr(module, "net", None)
        if isinstance(net, nn.Sequential):
            first, last = net[0], net[-1]
            assert isinstance(first, nn.Linear) and isinstance(last, nn.Linear)
            last.weight.copy_(torch.randn(last.weight.shape, generator=generator))
            last.bias.copy_(torch.randn(last.bias.shape, generator=generator) / 2)
            if not isinstance(module, AdditiveCoupling):  # outputs are shifts, then log-scales
                last.weight[len(last.weight) // 2 :] *= LOG_SCALE_SHARE
            spread = net(torch.randn(_NOISE, first.in_features, generator=generator)).std(0)
            typical = spread.square().mean().sqrt().item()
            last.weight.mul_(sharpness / typical if typical > 0 else 0.0)  # 0 at d = 1, where no output sees an input
            last.bias.mul_(sharpness)
        elif isinstance(module, DiagonalScaling):
            module.raw.copy_(torch.randn(module.raw.shape, generator=generator) * sharpness)


def _seeded(name: FlowName, dim: int, hidden: tuple[int, ...], settings: FlowTimingSettings) -> Flow:
    generator = Generator().manual_seed(settings.seed)
    with torch.random.fork_rng(devices=[]):  # layers initialise from the process-wide state: seed it here, then restore
        torch.manual_seed(settings.seed)
        flow = FLOWS[name](dim, hidden, settings.layers)
    sharpen(flow, settings.sharpness, generator)
    return flow.to(device=settings.device, dtype=getattr(torch, settings.dtype)).eval()
