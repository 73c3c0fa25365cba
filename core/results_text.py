"""docs/results.md: the results as one Markdown file, written from metrics.json and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from core.report import Table
from core.results_records import ResultGroup
from core.results_tables import gains_table, group_title, quality_table, split_table
from core.results_words import group_sentences

HEAD = """# How good are the models?

Written by `python -m core results --write docs/results.md` from each model's metrics.json; nothing in it is typed by
hand.

Test split, nats per image unless said otherwise, ± one standard error over the images. −log p(x) is
importance-weighted with S samples an image ("effective": median effective sample size), or exact, by quadrature, with
two latent dimensions. "Over training seeds" is the mean ± one standard deviation of the same recipe under (so many)
seeds; with one seed, differences of a few tenths of a nat between models are not a ranking. The bound is ELBO =
reconstruction − information − marginal KL, with q(z) exact over all n images; "effective components" is how many
equally used components of a mixture prior would have the entropy of their use by q(z), beside it what finitely many
draws of the prior itself give ("match"); "its null" is the marginal KL of a perfect prior with this many images,
where it is known ([decision 18](decisions/0018-the-null-is-unknown-where-posteriors-do-not-overlap.md)), "looseness"
is log p(x) − ELBO. "Holes" is the share of prior draws where the data has no mass (a perfect match gives about 1 %),
"classifier" the accuracy of the better of two classifiers that tell prior from aggregated posterior on unseen images
(a match gives 50 %), both with 95 % intervals, as for effective components. The last table is what each other prior, or
posterior, gains over N(0, I) with the Gaussian posterior: more is better, differences are taken image by image where
"paired" says so, and "other training seeds" are the gains when both were trained under another seed. Where q(z|x) is a
flow, "–" stands for what needs the density of q(z) ([decision 23](decisions/0023-flow-posteriors.md)). Minutes are wall
time on one thread of a busy two-core machine, where config.json does not say otherwise. All of it was measured on
the stored weights, most of them in half precision.
"""


def results_markdown(groups: Sequence[ResultGroup]) -> str:
    """The whole file."""
    return "\n".join([HEAD, *(_section(group) for group in groups)])


def _section(group: ResultGroup) -> str:
    images = f"n = {group.n:,} test images" + ("" if group.seed is None else f", seed {group.seed}") if group.n else ""
    tables = [table for table in (quality_table(group), split_table(group), gains_table(group)) if table is not None]
    sentences = [f"- {sentence}" for sentence in group_sentences(group)]
    commands = [command for row in group.rows for command in row.commands]
    parts = [
        f"## {group_title(group)}",
        *([f"{images}."] if images else []),
        *map(_table, tables),
        *(["\n".join(sentences)] if sentences else []),
        "The commands, row by row; each measures what it has trained:",
        "```\n" + "\n".join(commands) + "\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    rows = [table.header, tuple("---" for _ in table.header), *table.rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)
