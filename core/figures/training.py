"""The course of a training: both ELBOs, the reconstruction, the KL and its weight beta, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.tables import write_csv
from core.training_records import EpochRecord, TrainingCurve

HEIGHT = 430
_LEFT, _MIDDLE, _RIGHT = (0.0, 0.4), (0.49, 0.7), (0.79, 1.0)
_KL, _BETA = (0.36, 1.0), (0.0, 0.2)
_SHOWN = 0.9
"""The vertical axes hold the upper share of the epochs: the first ones lie far from all that follow."""


def training_figure(points: Sequence[EpochRecord], *, epochs: int = 0, kept: int | None = None) -> Drawing:
    """Training and validation ELBO at beta = 1 against the epoch; beside them the reconstruction and the KL with beta.

    Args:
        points: epochs that are over.
        epochs: that the training may take, so that the axis tells how much is left; 0 takes those that are there.
        kept: epoch whose weights the finished model has, marked with a star; None marks the best one so far.

    Raises:
        ValueError: without points, or where ``kept`` is none of them.
    """
    if not points:
        raise ValueError("points is empty, expected the record of one epoch or more")
    at = _column(points, "epoch")
    trained, held_out = _column(points, "elbo"), _column(points, "validation_elbo")
    reconstruction, kl = _column(points, "reconstruction"), _column(points, "kl")
    traces: list[dict[str, Any]] = [
        _line(at, trained, "training ELBO", theme.PRIOR, theme.MODEL_DASHES[1]),
        _line(at, held_out, "validation ELBO", theme.DATA, "solid"),
        _star(points, kept),
        _line(at, reconstruction, "reconstruction", theme.RECONSTRUCTION, "solid", "2") | {"showlegend": False},
        _line(at, kl, "KL(q(z|x) ‖ p(z))", theme.MODEL_COLOURS[5], "solid", "3") | {"showlegend": False},
        _line(at, _column(points, "beta"), "β", theme.NEUTRAL, "solid", "4", unit="") | {"showlegend": False},
    ]
    far = max(epochs, points[-1].epoch)
    layout = theme.layout(height=HEIGHT, legend=[trace["name"] for trace in traces[:3]])
    layout |= _panel("", _LEFT, (0.0, 1.0), "ELBO, nats per image", far, _window(trained, held_out))
    layout |= _panel("2", _MIDDLE, (0.0, 1.0), "reconstruction, nats", far, _window(reconstruction))
    layout |= _panel("3", _RIGHT, _KL, "KL, nats", far, _window(kl, shown=0.98))
    layout |= _panel("4", _RIGHT, _BETA, "β", far, [-0.1, 1.2])
    layout["xaxis3"] |= {"showticklabels": False, "title": {"text": ""}}
    layout["yaxis4"] |= {"tickvals": [0, 1]}
    return drawing(traces, layout)


def training_sentence(points: Sequence[EpochRecord]) -> str:
    """Where the curve stands, and where it was best."""
    if not points:
        return "No epoch has ended yet."
    last, best = points[-1], max(points, key=lambda point: point.validation_elbo)
    words = (
        f"After {last.epoch:,} epochs: ELBO {last.elbo:.2f} nats on the training images (β = {last.beta:.3g}), "
        f"{last.validation_elbo:.2f} on the validation images; best {best.validation_elbo:.2f} in epoch {best.epoch:,}."
    )
    return words.replace("-", "−")


def training_caption(curve: TrainingCurve, seed: int) -> str:
    """What the picture shows, and what was left out of it."""
    thin = f"; every {curve.every}th epoch is drawn" if curve.every > 1 else ""
    return (
        f"Seed {seed}. Training: mean over the epoch, one draw of z each, while the weights move. Validation: after "
        "the epoch, one draw each, always the same noise. Both at β = 1, whatever β training used. The weights of the "
        f"best validation ELBO are kept. The first tenth of the epochs may lie outside the frames{thin}."
    )


def training_csv(points: Sequence[EpochRecord]) -> str:
    """The curve as a table."""
    header = ["epoch", "beta", "training ELBO, nats", "reconstruction, nats", "KL, nats", "validation ELBO, nats", "s"]
    rows = [[p.epoch, p.beta, p.elbo, p.reconstruction, p.kl, p.validation_elbo, p.seconds] for p in points]
    return write_csv(header, rows)


def _column(points: Sequence[EpochRecord], name: str) -> np.ndarray:
    return np.array([getattr(point, name) for point in points], np.float32)


def _line(
    x: np.ndarray, y: np.ndarray, name: str, colour: str, dash: str, axis: str = "", *, unit: str = " nats"
) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines+markers" if len(x) == 1 else "lines", "x": x, "y": y, "name": name,
        "xaxis": f"x{axis}", "yaxis": f"y{axis}", "line": {"color": colour, "width": 2, "dash": dash},
        "hovertemplate": f"epoch %{{x}}<br>{name}: %{{y:.3f}}{unit}<extra></extra>",
    }  # fmt: skip


def _star(points: Sequence[EpochRecord], kept: int | None) -> dict[str, Any]:
    """On the validation ELBO, where its weights were kept."""
    if kept is None:
        best = max(points, key=lambda point: point.validation_elbo)
    else:
        best = next((point for point in points if point.epoch == kept), None)
    if best is None:
        raise ValueError(f"kept = {kept} is not among the epochs {points[0].epoch} to {points[-1].epoch}")
    words = "best so far" if kept is None else f"epoch {kept:,}: the weights kept"
    return {
        "type": "scatter", "mode": "markers", "x": np.array([best.epoch], np.float32),
        "y": np.array([best.validation_elbo], np.float32), "name": words, "xaxis": "x", "yaxis": "y",
        "marker": {"symbol": "star", "size": 14, "color": theme.DATA},
        "hovertemplate": "best: epoch %{x}, %{y:.2f} nats<extra></extra>",
    }  # fmt: skip


def _panel(
    axis: str, across: tuple[float, float], up: tuple[float, float], title: str, far: int, window: list[float]
) -> dict[str, Any]:
    x = {"domain": across, "anchor": f"y{axis}", "range": [0, 1.01 * far], "title": theme.axis_title("epoch", 4)}
    y = {"domain": up, "anchor": f"x{axis}", "range": window, "title": theme.axis_title(title, 8), "automargin": True}
    joined = {"matches": "x"} if axis else {}
    return {f"xaxis{axis}": theme.AXIS | x | {"nticks": 4} | joined, f"yaxis{axis}": theme.AXIS | y}


def _window(*lines: np.ndarray, shown: float = _SHOWN) -> list[float]:
    """Ends of a vertical axis: the last share of the epochs, with a little room."""
    start = min(len(lines[0]) - 1, round((1 - shown) * len(lines[0])))
    kept = np.concatenate([line[start:] for line in lines])
    low, high = float(kept.min()), float(kept.max())
    room = 0.06 * max(high - low, 1e-3)
    return [low - room, high + room]
