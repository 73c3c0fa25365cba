"""The incremental inversion in torch's own operations: for GPUs, and where there is no compiled kernel."""

from __future__ import annotations

import torch
from torch import Tensor

from core.nn import MADE, soft_bound


@torch.no_grad()
def sweep(u: Tensor, made: MADE, bound: float, context: Tensor | None = None) -> tuple[Tensor, Tensor, int]:
    """Each hidden unit once, when the last coordinate it sees is known.

    Args:
        u: (n, d).
        made: the masked network.
        bound: log-scales lie in (-bound, bound).
        context: (n, c) or None.

    Returns:
        z and the log-scale at z, both (n, d), and the multiplications made for each row.
    """
    layers, visible = made.layers(), made.visible(made.dim, made.hidden).tolist()
    weights = [layer.weight.to(u.dtype) for layer in layers]
    offsets = [layer.bias.to(u.dtype)[:, None] for layer in layers]
    if context is not None:
        first, offsets[-1] = made.offsets(context, u.dtype)
        offsets[0] = first if len(layers) > 1 else offsets[0]
    out = weights[-1].view(2, made.dim, -1)
    last = offsets[-1].view(2, made.dim, -1)
    values = [u.new_empty(size, len(u)) for size in (made.dim, *made.hidden)]
    z, log_scale, rows, multiplied = values[0], u.new_empty(made.dim, len(u)), u.t().contiguous(), 0
    for i in range(made.dim):
        for k in range(1, len(values) if i else 0):
            start, stop, seen = visible[k][i - 1], visible[k][i], visible[k - 1][i]
            if start < stop:
                unit = torch.addmm(offsets[k - 1][start:stop], weights[k - 1][start:stop, :seen], values[k - 1][:seen])
                values[k][start:stop].copy_(unit.relu_())
                multiplied += (stop - start) * seen
        seen = visible[-1][i]
        shift, raw = torch.addmm(last[:, i], out[:, i, :seen], values[-1][:seen]).unbind(0)
        log_scale[i] = soft_bound(raw, -bound, bound)
        torch.addcmul(shift, rows[i], torch.exp(log_scale[i]), out=z[i])
        multiplied += 2 * seen
    return z.t(), log_scale.t(), multiplied
