"""Compiled sweeps of a masked network, each hidden unit visited once. Imported on the first use: numba takes a second.

Values of a block of rows lie side by side, [feature, row], so that the innermost loops run over rows and become vector
instructions; weights are scalars in them. Nothing here depends on the order of additions being changed, so infinities
and NaN pass through as in torch: of LLVM's fast-math flags only fused multiply-add is allowed.

Names shared by the functions: ``at[l]`` is the place of layer l's first feature in ``values`` (layer 0 is the input,
the last one the outputs: shifts, then log-scales), ``visible[l, m]`` the number of features of layer l whose degree is
at most m, ``place[l]`` where the weights into layer l start in ``weights``, ``bias[l]`` likewise.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import no_type_check

from numba import njit

BLOCK = 64
"""Rows of a block: four vectors of AVX-512, and 128 hidden units of them still fit the first cache in float32."""


OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}

_SOURCES = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*_kernel.py"))))


def part(function):
    """Compiled into what calls it."""
    return njit(**OPTIONS)(function)


def compiled(function):
    """Compiled on the first call and kept on disk: beside this file, or in the user's cache where that is read-only.

    numba renews what it kept when the function's own file changes; the name takes in the other file of kernels too.
    """
    function.__qualname__ += f"_{_SOURCES.hexdigest()[:12]}"
    try:
        return njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # no folder can be written to: compile in every process
        return njit(**OPTIONS)(function)


@part
@no_type_check
def add_pair(out, weights, w0, w1, count, values, a, m):
    """Add two dot products over ``count`` features, weights from w0 and from w1, to the first two rows of ``out``."""
    if a < 0 or w0 < 0 or w1 < 0 or count < 0:  # never; told so, the compiler drops its code for indices from the end
        return
    j = 0
    while j + 4 <= count:
        x0, x1, x2, x3 = weights[w0 + j], weights[w0 + j + 1], weights[w0 + j + 2], weights[w0 + j + 3]
        y0, y1, y2, y3 = weights[w1 + j], weights[w1 + j + 1], weights[w1 + j + 2], weights[w1 + j + 3]
        b = a + j * BLOCK
        for r in range(m):
            h0, h1, h2, h3 = values[b + r], values[b + BLOCK + r], values[b + 2 * BLOCK + r], values[b + 3 * BLOCK + r]
            s = out[r] + x0 * h0 + x1 * h1 + x2 * h2 + x3 * h3
            t = out[BLOCK + r] + y0 * h0 + y1 * h1 + y2 * h2 + y3 * h3
            out[r], out[BLOCK + r] = s, t
        j += 4
    for j in range(count & ~3, count):
        x0, y0 = weights[w0 + j], weights[w1 + j]
        b = a + j * BLOCK
        for r in range(m):
            h0 = values[b + r]
            s, t = out[r] + x0 * h0, out[BLOCK + r] + y0 * h0
            out[r], out[BLOCK + r] = s, t


@part
@no_type_check
def add_single(out, weights, w, count, values, a, m):
    """Add one dot product to the first row of ``out``."""
    if a < 0 or w < 0 or count < 0:
        return
    j = 0
    while j + 8 <= count:
        x0, x1, x2, x3 = weights[w + j], weights[w + j + 1], weights[w + j + 2], weights[w + j + 3]
        x4, x5, x6, x7 = weights[w + j + 4], weights[w + j + 5], weights[w + j + 6], weights[w + j + 7]
        b = a + j * BLOCK
        for r in range(m):
            c = b + 4 * BLOCK + r
            s = out[r] + x0 * values[b + r] + x1 * values[b + BLOCK + r]
            s = s + x2 * values[b + 2 * BLOCK + r] + x3 * values[b + 3 * BLOCK + r]
            s = s + x4 * values[c] + x5 * values[c + BLOCK]
            out[r] = s + x6 * values[c + 2 * BLOCK] + x7 * values[c + 3 * BLOCK]
        j += 8
    for j in range(count & ~7, count):
        x0 = weights[w + j]
        b = a + j * BLOCK
        for r in range(m):
            out[r] += x0 * values[b + r]


@part
@no_type_check
def _start(out, o, weights, b, terms, feature, rows, row, m):
    """A row of ``out`` from the bias or, with a context, from the terms it gives every row (features x rows)."""
    if o < 0 or b < 0 or row < 0 or feature < 0 or rows < 0:
        return
    if len(terms) == 0:
        bias = weights[b]
        for r in range(m):
            out[o + r] = bias
    else:
        c = feature * rows + row
        for r in range(m):
            out[o + r] = terms[c + r]


@part
@no_type_check
def _rectify(out, o, values, b, m):
    """A row of ``out``, negative numbers replaced by zero, into ``values``; a NaN stays one."""
    if o < 0 or b < 0:
        return
    zero = out.dtype.type(0)
    for r in range(m):
        x = out[o + r]
        values[b + r] = zero if x < zero else x


@part
@no_type_check
def hidden_units(degree, weights, place, bias, visible, terms, rows, at, values, out, row, m):
    """Compute the hidden units of one degree, layer by layer. Returns the multiplications made for a row."""
    made = 0
    for layer in range(1, len(at) - 1):
        k, end = visible[layer, degree - 1], visible[layer, degree]
        if k == end:
            continue
        inputs, seen = (at[layer] - at[layer - 1]) // BLOCK, visible[layer - 1, degree]
        given = terms if layer == 1 else terms[:0]
        made += (end - k) * seen
        while k < end:
            w, b = place[layer] + k * inputs, at[layer] + k * BLOCK
            _start(out, 0, weights, bias[layer] + k, given, k, rows, row, m)
            if k + 1 < end:
                _start(out, BLOCK, weights, bias[layer] + k + 1, given, k + 1, rows, row, m)
                add_pair(out, weights, w, w + inputs, seen, values, at[layer - 1], m)
                _rectify(out, BLOCK, values, b + BLOCK, m)
            else:
                add_single(out, weights, w, seen, values, at[layer - 1], m)
            _rectify(out, 0, values, b, m)
            k += 2
    return made


@part
@no_type_check
def _exp_parts(y, series, numbers, power, bits, rest, m):
    """e^y = power + power * rest, for |y| under 80: rest = e^r - 1 by its series, power = 2^k, y = k log 2 + r.

    k is found by adding 1.5 * 2^(bits of the mantissa), which rounds, and moved into the exponent as an integer.
    """
    big, to_two, high, low = series[14], series[15], series[16], series[17]
    c1, c2, c3, c4, c5, c6, c7 = series[1], series[2], series[3], series[4], series[5], series[6], series[7]
    c8, c9, c10, c11, c12, c13 = series[8], series[9], series[10], series[11], series[12], series[13]
    add, shift = numbers[0], numbers[1]
    for r in range(m):
        k = y[r] * to_two + big
        power[r] = k
        k -= big
        x = y[r] - k * high - k * low
        q = (((((c13 * x + c12) * x + c11) * x + c10) * x + c9) * x + c8) * x + c7
        rest[r] = ((((((q * x + c6) * x + c5) * x + c4) * x + c3) * x + c2) * x + c1) * x
    for r in range(m):
        bits[r] = (bits[r] + add) << shift


@part
@no_type_check
def _log_scale(raw, series, numbers, y, power, bits, rest, m):
    """Replace raw by limit * tanh(raw / limit), with tanh x = -e / (2 + e) for e = exp(-2 x) - 1 and x > 0."""
    zero, one, two, limit, most, factor = series[0], series[1], series[18], series[19], series[20], series[21]
    for r in range(m):
        x = abs(raw[r])
        y[r] = (most if x > most else x) * factor
    _exp_parts(y, series, numbers, power, bits, rest, m)
    for r in range(m):
        e = (power[r] - one) + power[r] * rest[r]
        bounded = limit * e / (two + e)
        raw[r] = bounded if raw[r] < zero else -bounded


@part
@no_type_check
def _move(u, i, row, power, rest, shift, values, b, m):
    """z_i = u_i e^y + shift into ``values``."""
    if i < 0 or row < 0 or b < 0:
        return
    for r in range(m):
        rest[r] = power[r] + power[r] * rest[r]
    for r in range(m):
        values[b + r] = u[i, row + r] * rest[r] + shift[r]


@part
@no_type_check
def store(rows, i, row, values, b, m):
    """One row of a block into the caller's array."""
    if i < 0 or row < 0 or b < 0:
        return
    for r in range(m):
        rows[i, row + r] = values[b + r]


@compiled
@no_type_check
def invert(u, weights, place, bias, visible, first, last, at, series, numbers, z, log_scale, work, bits, start, stop):
    """Rows start..stop of z and of the log-scale, arrays of (features, n). Returns the multiplications for a row.

    ``first`` and ``last`` are what the context adds, biases included, to the first hidden layer and to the outputs.
    """
    dim, rows = u.shape
    final, made = len(at) - 1, 0
    width, below = (at[final] - at[final - 1]) // BLOCK, at[final - 1]
    out = work[at[final] :]
    raw, y, power, rest = out[BLOCK:], out[2 * BLOCK :], out[3 * BLOCK :], out[4 * BLOCK :]
    for row in range(start, stop, BLOCK):
        m = min(BLOCK, stop - row)
        made = 0
        for i in range(dim):
            if i > 0:
                made += hidden_units(i, weights, place, bias, visible, first, rows, at, work, out, row, m)
            _start(out, 0, weights, bias[final] + i, last, i, rows, row, m)
            _start(out, BLOCK, weights, bias[final] + dim + i, last, dim + i, rows, row, m)
            w, seen = place[final] + i * width, visible[final - 1, i]
            add_pair(out, weights, w, w + dim * width, seen, work, below, m)
            made += 2 * seen
            _log_scale(raw, series, numbers, y, power, bits, rest, m)
            _exp_parts(raw, series, numbers, power, bits, rest, m)
            _move(u, i, row, power, rest, out, work, i * BLOCK, m)
            store(z, i, row, work, i * BLOCK, m)
            store(log_scale, i, row, raw, 0, m)
    return made
