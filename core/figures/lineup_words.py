"""What is asked and answered at a line-up, in words."""

from __future__ import annotations

from core.lineup import Lineup, by_luck


def question(shown: Lineup, dimensions: int) -> str:
    """What the panels are, before one is picked.

    Args:
        shown: the line-up.
        dimensions: of the latent space, of which the panels show two.
    """
    count, n = len(shown.q), shown.q.shape[1]
    rest = f" You see 2 of {dimensions} dimensions: a difference may lie in the others." if dimensions > 2 else ""
    return (
        f"One of these {count} panels shows {n:,} draws of q(z), discs, and {n:,} of p(z), hollow diamonds. In the "
        f"other {count - 1} the same draws are dealt out at random, as if prior and data were one distribution. "
        f"**Which one is true?** The first pick counts.{rest}"
    )


def answer(shown: Lineup, picked: int, found: int, tried: int) -> str:
    """What the pick says, and all picks together.

    Args:
        shown: the line-up.
        picked: the panel that was picked, from 0.
        found: true panels found so far with this model, this one among them.
        tried: line-ups looked at so far with it.
    """
    count = len(shown.q)
    if picked == shown.real:
        head = f"**Panel {picked + 1} is the true one.** Without a difference it is found in 1 of {count} cases."
    else:
        head = (
            f"**Panel {shown.real + 1} is the true one**; panel {picked + 1} was dealt at random. That is no sign of a "
            "match: a difference may be too small for so few draws."
        )
    if tried == 1:
        return head
    if not found:
        return f"{head} Found so far: none of {tried}."
    share = 100 * by_luck(found, tried, count)
    luck = "less than 0.1" if share < 0.1 else f"{share:.0f}" if share >= 10 else f"{share:.1f}"
    return f"{head} Found so far: {found} of {tried}. Luck alone finds {found} or more of {tried} in {luck} % of cases."


def alternative(shown: Lineup, picked: int | None) -> str:
    """The picture in words; ``picked`` as for the figure."""
    told = "" if picked is None else f" Panel {shown.real + 1} is the true one; panel {picked + 1} was picked."
    return (
        f"{len(shown.q)} panels of the same {len(shown.points):,} draws: one shows which are of q(z) and which of "
        f"p(z), the others deal them out at random.{told}"
    )
