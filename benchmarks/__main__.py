"""The command line: ``python -m benchmarks [mixture|gradient|train|statistics|flows|load ...] [--quick]``."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

import torch

NAMES = ("mixture", "gradient", "train", "statistics", "flows", "load")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks one after the other, print their tables and store them in ``benchmarks/results``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="|".join(NAMES), help="all of them if none is named")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that all of it runs; stores nothing")
    parser.add_argument(
        "--threads", type=int, default=1, help="of torch; 1 gives the steadiest ratios, above all on a shared machine"
    )
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(NAMES)):
        parser.error(f"unknown benchmark {unknown[0]!r}; known: {', '.join(NAMES)}")
    if options.threads < 1:
        parser.error(f"--threads is {options.threads}, expected at least 1")
    torch.set_num_threads(options.threads)
    for name in options.names or NAMES:
        report = importlib.import_module(f"benchmarks.{name}").run(quick=options.quick)
        print(report.markdown(), flush=True)
        if not options.quick:
            report.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
