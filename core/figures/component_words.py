"""Sentences about the components of a mixture prior, from numbers, with their errors and beside their nulls."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from core.component_records import (
    DEAD_SHARE,
    DUPLICATE,
    Components,
    Effective,
    Path,
    Usual,
)
from core.figures.classes import name_of
from core.intervals import wilson
from core.nearest_records import PIXEL_UNIT, Copies, Nearest

SHOWN_CLASSES = 3
SHORT_NAME, LONGEST_NAME = 3, 9
"""Letters of a class's name that stand before a distance under an image, and that fit above it."""
COPY = 0.05
"""Share of new images under which a component is told from them."""


def usage_sentence(found: Components, what: str = "pseudo-inputs") -> str:
    """How evenly the components are used, how many are dead, how many pairs are duplicates; also the alternative text.

    Args:
        found: what is known of them.
        what: they are called.
    """
    count, effective = len(found), found.effective
    dead, (sure, most) = int(found.dead.sum()), found.dead_range
    gone = "None is dead" if not dead else f"{dead:,} {'is' if dead == 1 else 'are'} dead"
    pairs = {0: "No pair is a duplicate", 1: "One pair is a duplicate"}.get(
        found.duplicate_pairs, f"{found.duplicate_pairs:,} pairs are duplicates"
    )
    random = (
        "" if math.isnan(found.pairs_null) else f"; as many posteriors of random images make {found.pairs_null:,.0f}"
    )
    return (
        f"{_lead(found)}: the usage of the {count:,} {what} has the entropy of {effective_words(effective)} "
        f"equally used ones; a perfect match would show {_count(effective.null)} with this many images. "
        f"{gone} ({sure:,} to {most:,} within the errors of their usage; a perfect match: {found.dead_null:.1f}). "
        f"{pairs} (Bhattacharyya distance under {DUPLICATE:g}{random})."
    )


def effective_words(effective: Effective) -> str:
    """The effective number with its interval."""
    return f"{_count(effective.value)} [{_count(effective.low)}, {_count(effective.high)}]"


def _lead(found: Components) -> str:
    effective, count = found.effective, len(found)
    share = effective.value / effective.null
    given = math.exp(-float((found.weight * np.log(np.maximum(found.weight, 1e-300))).sum()))
    if given < 0.5 * count:  # a perfect match would use as few
        alike = effective.high >= effective.null or share > 0.9
        follows = "q(z) follows it" if alike else "q(z) uses even fewer"
        weights = f"its weights have the entropy of {_count(given)} equal ones"
        return f"The prior has given up most of its components ({weights}), and {follows}"
    if effective.high >= effective.null:
        return "Used as evenly as a perfect match would use them"
    if share > 0.9:
        return "Used nearly as evenly as a perfect match would use them"
    return f"Used {'less' if share > 0.5 else 'far less'} evenly than a perfect match would use them"


def component_sentence(found: Components, k: int, class_names: Sequence[str] = ()) -> str:
    """Usage of one component with its error, what it lacks, its class mix and its nearest neighbour."""
    count = len(found)
    usage, se = found.usage[k] * count, found.usage_se[k] * count
    parts = [
        f"k = {k + 1} takes {100 * found.usage[k]:.2f} ± {100 * found.usage_se[k]:.2f} % of the data's codes, "
        f"{usage:.2f} ± {se:.2f} times an equal share"
    ]
    if found.dead[k]:
        parts.append(f"it is dead: under {DEAD_SHARE:g} of an equal share")
    if found.class_mix is not None:
        parts.append(f"classes: {class_words(found, k, class_names)}")
    if math.isfinite(found.neighbour_distance[k]):
        distance = found.neighbour_distance[k]
        twin = ", a duplicate" if distance < DUPLICATE else ""
        parts.append(f"nearest component: k = {found.neighbour[k] + 1} at Bhattacharyya distance {distance:.2f}{twin}")
    if found.saturated is not None:
        parts.append(f"{100 * found.saturated[k]:.0f} % of its pixels are saturated (within 0.01 of 0 or 1)")
    return ". ".join(part[0].upper() + part[1:] if at else part for at, part in enumerate(parts)) + "."


def class_words(found: Components, k: int, class_names: Sequence[str] = ()) -> str:
    """The largest classes of what a component is responsible for, with Wilson intervals."""
    if found.class_mix is None or not np.isfinite(found.class_mix[k]).all():
        return "responsible for nothing"
    mix, images = found.class_mix[k], max(1.0, float(found.images_behind[k]))
    words = []
    for c in np.argsort(-mix, kind="stable")[:SHOWN_CLASSES]:
        if mix[c] < 0.005:
            continue
        low, high = wilson(float(mix[c]), round(images))
        words.append(f"“{name_of(int(c), class_names)}” {100 * mix[c]:.0f} % [{100 * low:.0f}, {100 * high:.0f}]")
    return f"{', '.join(words)} (about {images:,.0f} images)"


def hover_words(found: Components, class_names: Sequence[str] = ()) -> list[str]:
    """What the pointer says at each component."""
    classes, count = found.main_class, len(found)
    words = []
    for k in range(count):
        lines = [f"<b>k = {k + 1}</b>: usage {found.usage[k] * count:.2f} ± {found.usage_se[k] * count:.2f} / K"]
        if classes is not None and found.class_mix is not None and classes[k] >= 0:
            share = 100 * found.class_mix[k, classes[k]]
            lines.append(f"mostly {name_of(int(classes[k]), class_names)} ({share:.0f} %)")
        if found.dead[k]:
            lines.append("dead")
        if found.duplicated[k]:
            lines.append(f"duplicate of k = {found.neighbour[k] + 1}")
        words.append("<br>".join(lines))
    return words


def nearest_sentence(latent: Nearest, pixel: Nearest, class_names: Sequence[str] = ()) -> str:
    """Whether a component is nearer to a training image than new images are, in pixels and in latent space."""
    who = "test images"
    if pixel.of_class is not None:
        who = f"test images of class {name_of(pixel.of_class, class_names)}"
    it = "A draw of it" if pixel.unit == PIXEL_UNIT else "It"
    found = (
        f"{it} differs from its nearest training image by {distance_words(pixel)}: "
        f"{_share(pixel)} of {pixel.compared:,} {who} come as near to one. In latent space the nearest lies "
        f"{distance_words(latent)} away: {_share(latent)} do."
    )
    found += (
        f" The nearest in pixels is at {pixel.ratio:.2f} of the distance of the second nearest: for "
        f"{_percent(pixel.apart, pixel.apart_low, pixel.apart_high)} of these test images it stands out as much."
    )
    return f"{_copy_verdict(pixel)} {found}"


def _copy_verdict(pixel: Nearest) -> str:
    near, standing = pixel.high < COPY, pixel.apart_high < COPY
    if near and standing:
        return "A copy: nearer to one training image than new images are, and to no other."
    if near and pixel.apart_low > COPY:
        return "No copy of one image: nearer to training images than new images are, and to several alike."
    if standing and pixel.low > COPY:
        return "One training image stands out, but new images come as near to theirs: no copy."
    if pixel.low > COPY:
        return "No copy: no nearer to a training image than new images are."
    return "Not told apart from a copy."


def copies_sentence(found: Copies, what: str = "pseudo-inputs") -> str:
    """How many components are copies of training images, and how many would be by chance."""
    line = f"{100 * (1 - found.line):.0f} %"
    return (
        f"Of all {len(found.closer):,} {what}, {_percent(*found.both)} are copies: nearer to one training image than "
        f"{line} of the test images compared, and it stands out more than for {line} of them. Of the test images "
        f"themselves {100 * found.new:.1f} % would be taken for one. {_percent(*found.near)} are nearer, and for "
        f"{_percent(*found.standing)} one stands out; of new images {100 * found.line:.0f} % are and do."
    )


def distance_words(found: Nearest, at: int = 0) -> str:
    """One distance with its unit."""
    if found.unit.startswith("%"):
        return f"{100 * found.distances[at]:.1f} {found.unit}"
    return f"{found.distances[at]:.2f} {found.unit}"


def _share(found: Nearest) -> str:
    return _percent(found.closer, found.low, found.high)


def _percent(value: float, low: float, high: float) -> str:
    return f"{100 * value:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def nearest_words(found: Nearest, class_names: Sequence[str] = ()) -> list[str]:
    """What stands under each of the nearest images: its class, on a line of its own where it is a word, and how far."""
    words = []
    for at in range(len(found.rows)):
        far = f"{100 * found.distances[at]:.1f} %" if found.unit.startswith("%") else distance_words(found, at)
        name = "" if found.labels is None else name_of(int(found.labels[at]), class_names)
        short = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
        words.append(f"{short}<br>{far}" if len(name) > SHORT_NAME else f"{name}: {far}" if name else far)
    return words


def subscript(number: int) -> str:
    """A number in subscript digits.

    Example:
        >>> subscript(17)
        '₁₇'
    """
    return "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(number))


def symbol(k: int, of_input: bool) -> str:
    """The distribution of component k, from 0, as a formula in plain text."""
    return f"q(z|u{subscript(k + 1)})" if of_input else f"p(z|k = {k + 1})"


def path_sentence(ways: Sequence[tuple[str, Path]], usual: Usual) -> str:
    """How deep each way goes, in words: its lowest log p against what 95 % of the prior's draws lie above."""
    line_q, line_p = usual.log_q[0], usual.log_p[0]
    known = not math.isnan(line_q)
    parts = []
    for name, way in ways:
        q, p = float(way.log_q.min()), float(way.log_p.min())
        ordinary = "stays" if (q >= line_q or not known) and p >= line_p else "leaves the places"
        deep = (
            f"log q goes down to {_nats(q)} and log p to {_nats(p)} nats"
            if known
            else f"log p goes down to {_nats(p)} nats"
        )
        where = "where codes and draws usually lie" if known else "where draws of the prior usually lie"
        parts.append(f"{name[0].upper()}{name[1:]}, the way {ordinary} {where}: {deep}")
    of_codes = f"of the data's codes lie above {_nats(line_q)}, " if known else ""
    lines = f"95 % {of_codes}of the prior's draws {'' if known else 'lie '}above {_nats(line_p)}"
    return f"{'. '.join(parts)}. {lines}."


def _nats(value: float) -> str:
    return f"{value:.1f}".replace("-", "−")
