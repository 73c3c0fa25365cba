"""Whether a flow that was timed is right: there and back, log-determinant, and the textbook loop in float64."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from core.flow_timing_models import TimedFlow
from core.flow_timing_records import FlowCheck, Method
from core.flows import COUPLINGS, Flow
from core.flows.inversion import set_inversion

MAX_POINTS = 128
"""Points that are checked; the naive loop in float64 is what takes the time."""
JACOBIAN_DIM, JACOBIAN_POINTS = 16, 4
"""Largest d whose log-determinant is compared with autograd's Jacobian, and at how many points."""


@torch.no_grad()
def check_flow(timed: TimedFlow, method: Method, flow: Flow, u: Tensor) -> FlowCheck:
    """Errors of one flow with one method.

    Args:
        timed: what the flow is.
        method: of the sequential direction; "" for couplings.
        flow: with the method set, as it was timed.
        u: (n, d) noise; the first points are taken.
    """
    u = u[:MAX_POINTS]
    z, up = flow.forward_and_log_det(u)
    back, down = flow.inverse_and_log_det(z)
    truth = copy.deepcopy(flow).double()
    if timed.name not in COUPLINGS:
        set_inversion(truth, "naive")
    if timed.name == "iaf":  # its sequential direction is the inverse
        reference = (back - truth.inverse_and_log_det(z.double())[0]).abs().max()
    else:
        reference = (z - truth.forward_and_log_det(u.double())[0]).abs().max()
    log_det = None
    if timed.dim <= JACOBIAN_DIM:
        few = slice(0, JACOBIAN_POINTS)
        exact = _log_det_of_jacobian(truth, timed.name == "iaf", u[few].double(), z[few].double())
        log_det = torch.maximum((up[few] - exact).abs().max(), (down[few] + exact).abs().max()).item()
    round_trip = (back - u).abs().max().item()
    return FlowCheck(timed.name, method, timed.dim, len(u), round_trip, log_det, reference.item())


def _log_det_of_jacobian(flow: Flow, forward: bool, u: Tensor, z: Tensor) -> Tensor:
    """log|det dz/du| of every point by slogdet of autograd's Jacobian, (n,), nats.

    It is taken of the direction that is one network pass, which no method of inversion has a part in.

    Args:
        flow: in float64.
        forward: whether u -> z is that direction.
        u: (n, d).
        z: (n, d), the same points.
    """
    found = []
    for point in u if forward else z:
        with torch.enable_grad():
            step = flow.forward_and_log_det if forward else flow.inverse_and_log_det
            jacobian = torch.autograd.functional.jacobian(lambda x, step=step: step(x[None])[0][0], point)
        assert isinstance(jacobian, Tensor)
        found.append(torch.linalg.slogdet(jacobian).logabsdet)
    return torch.stack(found) if forward else -torch.stack(found)
