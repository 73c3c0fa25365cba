"""What is told apart by colour is told apart by colour-blind eyes as well, or by something else too.

Dichromats are simulated by Machado, Oliveira and Fernandes (2009), "A Physiologically-based Model for Simulation of
Color Vision Deficiency", IEEE TVCG 15(6), table of severity 1.0, on linear RGB. Distances are Euclidean in OKLab
(Ottosson, 2020), where about 0.02 is the least difference that is noticed (CSS Color Module Level 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
import pytest

from core.figures import theme
from core.figures.elbo import _TERMS

VISIONS = {
    "normal": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
FAR, APART = 0.2, 0.06
"""Ten and three times what is just noticed: at a glance, across a page; side by side, in marks of some pixels."""
LMS = np.array([
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
])  # fmt: skip
LAB = np.array([
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
])  # fmt: skip


def seen(colour: str, vision: str) -> np.ndarray:
    """A colour ``#RRGGBB`` in OKLab, as such an eye sees it."""
    part = np.array(theme.rgb(colour)) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return LAB @ np.cbrt(LMS @ np.clip(np.array(VISIONS[vision]) @ linear, 0, 1))


def least_distance(first: str, second: str) -> float:
    return min(float(np.linalg.norm(seen(first, eye) - seen(second, eye))) for eye in VISIONS)


def confused(looks: Iterable[tuple[str, ...]], least: float) -> list[tuple]:
    """Pairs of (colour, everything else) that nothing else tells apart and some eye does not either."""
    pairs = combinations(looks, 2)
    return [(a, b) for a, b in pairs if a[1:] == b[1:] and least_distance(a[0], b[0]) < least]


def test_the_simulation_is_that_of_its_source() -> None:
    white, black = ({vision: seen(colour, vision) for vision in VISIONS} for colour in ("#FFFFFF", "#000000"))
    for vision in VISIONS:  # greys stay what they are, within the rounding of the table
        assert white[vision] == pytest.approx([1, 0, 0], abs=2e-3)
        assert black[vision] == pytest.approx([0, 0, 0], abs=1e-6)
    assert seen("#FF0000", "normal") == pytest.approx([0.628, 0.225, 0.126], abs=1e-3)
    for vision in ("protanopia", "deuteranopia"):  # what tells red from green is all but gone
        between = [abs(seen("#FF0000", eye)[1] - seen("#00A000", eye)[1]) for eye in ("normal", vision)]
        assert between[1] < between[0] / 4


@pytest.mark.parametrize(
    "colours",
    [
        (theme.DATA, theme.PRIOR, theme.PSEUDO),
        (theme.LEAK, theme.HOLE),
        (theme.DEAD, theme.DATA, theme.PSEUDO),
        (theme.PICKED, theme.PICKED_HALO),
    ],
)
def test_what_the_lecture_hangs_on_is_far_apart_for_every_eye(colours: Sequence[str]) -> None:
    assert not confused([(colour,) for colour in colours], FAR)


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param([theme.class_style(k) for k in range(40)], id="classes"),
        pytest.param([theme.model_style(k) for k in range(56)], id="models"),
        pytest.param(list(theme.FAMILIES.values()), id="families"),
        pytest.param(list(theme.FLOW_LOOKS.values()), id="flows"),
        pytest.param([(term.colour, term.hatch) for term in _TERMS], id="terms"),
        pytest.param([(theme.DEAD, "dot"), (theme.PRIOR, "dash")], id="dead and prior"),
    ],
)
def test_colours_that_an_eye_confuses_have_another_mark(looks: list[tuple[str, ...]]) -> None:
    assert not confused(looks, APART)


def test_the_rule_can_fail() -> None:
    assert confused([("#CC79A7", "circle"), ("#999999", "circle")], APART), "pink and grey, to a deuteranope"
    assert not confused([("#CC79A7", "circle"), ("#999999", "square")], APART)
    assert confused([("#E00000",), ("#D55E00",)], FAR)
