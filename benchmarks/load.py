"""Many visitors at once: ``python -m benchmarks load``, or with settings ``python -m benchmarks.load --help``.

They speak Streamlit's own protocol, without a browser: each opens a page by its address and clicks once a second on
average. What is timed is from sending a click until the last message of the answer: what the server and the wire take;
the browser's drawing is left out. The visitors are one process on the same machine and share its cores with the server.

    one        a single visitor, page by page, for a quarter of the time: what a page costs by itself
    twenty     20 visitors on one page at a time; the target is a 95th percentile under 0.5 s on each
    fifty      50 visitors, spread over all pages; the target is no error
    memory     20 visitors over all pages for a long time, once they have filled the stores of answers for half as long;
               the target is less than 5 % growth after the first tenth
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.load_client import Click, LoadError, Visitor
from benchmarks.load_server import ROOT, Server, served
from benchmarks.report import RESULTS, machine, machine_line

THINK_S = (0.5, 1.5)
"""Seconds from click to click, drawn anew each time: at a fixed pace all who were kept waiting once would click at the
same moment ever after. A visitor whose answer takes longer clicks again at once."""
TARGET_S = 0.5
MODELS = {"optimal_prior": "mnist-2d-standard", "variational_posterior": "mnist-2d-standard"}
MODEL = "mnist-2d-vamp"
"""Which model a page is opened with, by page and otherwise."""
CLICKS = {
    "home": Click(("z1", "z2"), -2, 2),
    "prior_vs_posterior": Click(("z1", "z2"), -2, 2),
    "latent_browser": Click(("z1", "z2"), -2, 2),
    "pseudo_inputs": Click(("k",), 1, 100, whole=True),
    "variational_posterior": Click(buttons="loosest-"),
    "flow_timing": Click(("timing_d",)),
}
"""Clicks into a picture, on a tile or on one of a row of buttons; on other pages a switch, or the same view again."""
HEADER = (
    "what",
    "visitors",
    "clicks",
    "p50",
    "p95",
    "slowest",
    "first view, p50",
    "kB a click",
    "CPU a click",
    "errors",
)


@dataclass
class Outcome:
    """What visitors met.

    Attributes:
        what: page, or "all pages".
        visitors: number of them.
        clicks: seconds of each click.
        first: seconds of each first view.
        errors: what went wrong.
        kilobytes, cpu_s: sent by the server, and used by it, for each click.
        resident_mib: memory of the server, at the start and then every few seconds.
    """

    what: str
    visitors: int
    clicks: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    kilobytes: float = 0.0
    cpu_s: float = 0.0
    resident_mib: list[float] = field(default_factory=list)

    def cells(self) -> tuple[str, ...]:
        """What the columns of ``HEADER`` show."""
        times = (_ms(share(self.clicks, at)) for at in (0.5, 0.95, 1.0))
        first, cpu = _ms(share(self.first, 0.5)), _ms(self.cpu_s)
        return (self.what, str(self.visitors), f"{len(self.clicks):,}", *times, first, f"{self.kilobytes:,.0f}", cpu,
                str(len(self.errors)))  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """For JSON: shares of the times instead of each of thousands."""
        times = {name: share(self.clicks, at) for name, at in (("p50_s", 0.5), ("p95_s", 0.95), ("slowest_s", 1.0))}
        return {"what": self.what, "visitors": self.visitors, "clicks": len(self.clicks), **times,
                "first_view_p50_s": share(self.first, 0.5), "kilobytes": self.kilobytes, "cpu_s": self.cpu_s,
                "resident_mib": self.resident_mib, "errors": self.errors}  # fmt: skip

    def growth(self) -> float:
        """Of the memory after a tenth of the time, as a share."""
        kept = self.resident_mib[max(1, len(self.resident_mib) // 10) :]
        return kept[-1] / kept[0] - 1 if kept else float("nan")


def share(values: Sequence[float], at: float) -> float:
    """The smallest value that a share ``at`` of all does not exceed; NaN of none."""
    return sorted(values)[max(0, -(-int(at * 1000) * len(values) // 1000) - 1)] if values else float("nan")


def listed_pages() -> list[str]:
    """Names of the pages in the navigation."""
    for node in ast.parse((ROOT / "pages" / "_shell.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAGES":
            return [Path(row[1]).stem for row in ast.literal_eval(node.value)]
    raise RuntimeError("pages/_shell.py has no table PAGES")


def visitor(server: Server, page: str, number: int) -> Visitor:
    """One of the visitors of a page."""
    name = "" if page == listed_pages()[0] else page
    return Visitor(server.url, name, {"models": MODELS.get(page, MODEL)}, CLICKS.get(page, Click()), Random(number))


async def visit(server: Server, pages: Sequence[str], visitors: int, seconds: float) -> Outcome:
    """So many visitors, spread over these pages, for so long."""
    outcome = Outcome(pages[0] if len(pages) == 1 else "all pages", visitors)
    everyone = [visitor(server, pages[number % len(pages)], number) for number in range(visitors)]
    end = time.monotonic() + seconds
    cpu = server.cpu_s()
    watching = asyncio.create_task(_watch(server, outcome, max(1.0, seconds / 100)))
    gaps = [max(THINK_S) * number / visitors for number in range(visitors)]
    await asyncio.gather(*(_stay(one, gap, end, outcome) for one, gap in zip(everyone, gaps, strict=True)))
    watching.cancel()
    outcome.resident_mib.append(server.resident_mib())
    answers = max(1, len(outcome.clicks) + len(outcome.first))
    outcome.kilobytes = sum(one.received for one in everyone) / answers / 1e3
    outcome.cpu_s = (server.cpu_s() - cpu) / answers
    return outcome


async def _stay(one: Visitor, gap: float, end: float, outcome: Outcome) -> None:
    """A visit: the first view, then clicks until the time is over; after an error nothing more."""
    await asyncio.sleep(gap)
    try:
        outcome.first.append(await one.open())
        seconds = 0.0
        while True:
            await asyncio.sleep(max(0.0, one.random.uniform(*THINK_S) - seconds))
            if time.monotonic() > end:
                return
            seconds = await one.press()
            outcome.clicks.append(seconds)
    except LoadError as error:
        outcome.errors.append(f"{one.page or 'home'}: {error}")
    finally:
        await one.close()


async def _watch(server: Server, outcome: Outcome, every: float) -> None:
    while True:
        outcome.resident_mib.append(server.resident_mib())
        await asyncio.sleep(every)


@dataclass
class LoadReport:
    """All outcomes, as a table and as files.

    Attributes:
        rows: by name of the scenario.
        seconds: of each.
    """

    rows: list[tuple[str, Outcome]]

    def markdown(self) -> str:
        """Table, verdicts, machine."""
        cells = [HEADER, tuple("---" for _ in HEADER)]
        cells += [(f"{name}: {row.cells()[0]}", *row.cells()[1:]) for name, row in self.rows]
        table = "\n".join("| " + " | ".join(line) + " |" for line in cells)
        return "\n\n".join(["## Visitors at once", table, *self._remarks(), machine_line()]) + "\n"

    def _remarks(self) -> list[str]:
        said = [
            "Times are from sending a click until the last message of the answer, the visitors on the same machine."
        ]
        slow = [row.what for name, row in self.rows if name == "twenty" and not share(row.clicks, 0.95) < TARGET_S]
        if any(name == "twenty" for name, _ in self.rows):
            told = (
                f"over the target of {TARGET_S:g} s: {', '.join(slow)}" if slow else f"under {TARGET_S:g} s everywhere"
            )
            said.append(f"20 visitors on one page, 95th percentile: {told}.")
        for name, row in self.rows:
            if name in ("filling", "memory"):
                found, told = row.resident_mib, []
                for tenth in (1, 2, 4, 6, 8, 10):
                    told.append(f"{found[min(max(1, len(found) * tenth // 10), len(found) - 1)]:,.0f}")
                said.append(
                    f"Memory of the server, {name}, after 1, 2, 4, 6, 8 and 10 tenths of the time: {', '.join(told)} "
                    f"MiB, {100 * row.growth():+.1f} % since the first."
                )
        said += [f"- {name}: {error}" for name, row in self.rows for error in sorted(set(row.errors))[:5]]
        return said

    def write(self, folder: Path = RESULTS) -> None:
        """Store as load.md and load.json."""
        (folder / "load.md").write_text(self.markdown(), encoding="utf-8")
        rows = [{"scenario": name, **row.as_dict()} for name, row in self.rows]
        (folder / "load.json").write_text(json.dumps({"rows": rows, "machine": machine()}, indent=1) + "\n")


def measure(
    pages: Sequence[str], scenarios: Sequence[str], seconds: float, memory_s: float, warm_s: float = 3.0
) -> LoadReport:
    """Run scenarios against a fresh server, after one visitor has been on each page for ``warm_s``."""
    rows: list[tuple[str, Outcome]] = []

    def run(name: str, of: Sequence[str], visitors: int, lasting: float) -> None:
        rows.append((name, asyncio.run(visit(server, of, visitors, lasting))))
        print(" | ".join((name, *rows[-1][1].cells())), file=sys.stderr, flush=True)

    with served() as server:
        for page in pages:  # so that nobody's first view waits for a model that is read from the disk
            asyncio.run(visit(server, [page], 1, warm_s))
        for page in pages if "one" in scenarios else ():
            run("one", [page], 1, seconds / 4)
        for page in pages if "twenty" in scenarios else ():
            run("twenty", [page], 20, seconds)
        if "fifty" in scenarios:
            run("fifty", pages, 50, seconds)
        if "memory" in scenarios:  # the stores of answers are bounded: what grows once they are full is a leak
            run("filling", pages, 20, memory_s / 2)
            run("memory", pages, 20, memory_s)
    return LoadReport(rows)


def run(*, quick: bool) -> LoadReport:
    """For ``python -m benchmarks load``: everything, memory for five and ten minutes; quick, one visitor on Home."""
    if quick:
        return measure(["home"], ["one"], 10.0, 0.0, warm_s=0.0)
    return measure(listed_pages(), ["one", "twenty", "fifty", "memory"], 24.0, 600.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table of what is asked for; it is stored by ``python -m benchmarks load`` only."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("scenarios", nargs="*", default=["one", "twenty", "fifty"], metavar="one|twenty|fifty|memory")
    parser.add_argument("--pages", nargs="+", default=listed_pages(), choices=listed_pages(), metavar="PAGE")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each row but 'one'; default 15")
    parser.add_argument("--memory-seconds", type=float, default=600.0, help="of the scenario memory; default 600")
    options = parser.parse_args(arguments)
    if unknown := set(options.scenarios) - {"one", "twenty", "fifty", "memory"}:
        parser.error(f"unknown scenario {sorted(unknown)[0]!r}; known: one, twenty, fifty, memory")
    report = measure(options.pages, options.scenarios, options.seconds, options.memory_seconds)
    print(report.markdown())
    return int(any(row.errors for _, row in report.rows))


def _ms(seconds: float) -> str:
    return "–" if seconds != seconds else f"{1e3 * seconds:,.0f} ms"


if __name__ == "__main__":
    sys.exit(main())
