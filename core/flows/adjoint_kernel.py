"""The compiled sweep of ``inversion_kernel`` backwards: the adjoint of an inverted autoregressive layer, exactly."""

from __future__ import annotations

from typing import no_type_check

from core.flows.inversion_kernel import BLOCK, add_pair, add_single, compiled, hidden_units, part, store


@part
@no_type_check
def _clear(out, m):
    """Zero in the first two rows of ``out``."""
    zero = out.dtype.type(0)
    for r in range(m):
        out[r] = zero
    for r in range(BLOCK, BLOCK + m):
        out[r] = zero


@part
@no_type_check
def _gate(out, o, values, b, grads, m):
    """Gradient through ReLU: a row of ``out`` where the unit is on."""
    if o < 0 or b < 0:
        return
    zero = out.dtype.type(0)
    for r in range(m):
        grads[b + r] = out[o + r] if values[b + r] > zero else zero


@part
@no_type_check
def _hidden_grads(degree, dim, turned, place, visible, at, values, grads, out, m):
    """Gradients of the hidden units of one degree, the last layer first, from those of everything that sees them."""
    final = len(at) - 1
    for layer in range(final - 1, 0, -1):
        k, end = visible[layer, degree - 1], visible[layer, degree]
        above = at[layer + 1]
        if layer + 1 == final:
            start, outputs = degree, 2 * dim
            count = dim - degree
        else:
            start, outputs = visible[layer + 1, degree - 1], (at[layer + 2] - above) // BLOCK
            count = outputs - start
        while k < end:
            w, b = place[layer + 1] + k * outputs + start, at[layer] + k * BLOCK
            other = w + outputs if k + 1 < end else w
            _clear(out, m)
            add_pair(out, turned, w, other, count, grads, above + start * BLOCK, m)
            if layer + 1 == final:
                add_pair(out, turned, w + dim, other + dim, count, grads, above + (dim + start) * BLOCK, m)
            _gate(out, 0, values, b, grads, m)
            if k + 1 < end:
                _gate(out, BLOCK, values, b + BLOCK, grads, m)
            k += 2


@part
@no_type_check
def _output_grads(i, row, out, grad_scale, stretch, slope, grads, shift, raw, m):
    """Gradients of the shift and of the raw log-scale of coordinate i, from that of z_i in ``out``."""
    if i < 0 or row < 0 or shift < 0 or raw < 0:
        return
    for r in range(m):
        grads[shift + r] = out[r]
    for r in range(m):
        grads[raw + r] = (grad_scale[i, row + r] + out[r] * stretch[i, row + r]) * slope[i, row + r]


@part
@no_type_check
def _load(out, o, rows, i, row, m):
    """A row of the caller's array into a block."""
    if i < 0 or row < 0 or o < 0:
        return
    for r in range(m):
        out[o + r] = rows[i, row + r]


@part
@no_type_check
def _later(i, dim, turned, place, visible, at, grads, out, m):
    """Add to ``out`` the gradient that reaches z_i through the units that see it."""
    if i + 1 == dim:
        return  # nothing sees the last coordinate
    if len(at) > 2:
        seen, units = visible[1, i], (at[2] - at[1]) // BLOCK
        add_single(out, turned, place[1] + i * units + seen, units - seen, grads, at[1] + seen * BLOCK, m)
    else:  # no hidden layer: the outputs see it
        w, b = place[1] + i * 2 * dim + i + 1, at[1] + (i + 1) * BLOCK
        add_single(out, turned, w, dim - i - 1, grads, b, m)
        add_single(out, turned, w + dim, dim - i - 1, grads, b + dim * BLOCK, m)


@compiled
@no_type_check
def adjoint(
    z,
    grad_z,
    grad_scale,
    stretch,
    slope,
    weights,
    turned,
    place,
    bias,
    visible,
    first,
    at,
    total,
    work,
    grads,
    start,
    stop,
):
    """Rows start..stop of ``total`` = dL/dz with all that depends on z counted in, arrays of (features, n).

    ``turned`` holds the weights transposed, in the same places; ``stretch`` is dz/dlog_scale, ``slope`` the derivative
    of the log-scale by the network's raw output.
    """
    dim, rows = z.shape
    final = len(at) - 1
    out = work[at[final] :]
    for row in range(start, stop, BLOCK):
        m = min(BLOCK, stop - row)
        for i in range(dim):
            _load(work, i * BLOCK, z, i, row, m)
        for degree in range(1, dim):
            hidden_units(degree, weights, place, bias, visible, first, rows, at, work, out, row, m)
        for i in range(dim - 1, -1, -1):
            if i + 1 < dim:
                _hidden_grads(i + 1, dim, turned, place, visible, at, work, grads, out, m)
            _load(out, 0, grad_z, i, row, m)
            _later(i, dim, turned, place, visible, at, grads, out, m)
            _output_grads(
                i, row, out, grad_scale, stretch, slope, grads, at[final] + i * BLOCK, at[final] + (dim + i) * BLOCK, m
            )
            store(total, i, row, out, 0, m)
