"""A benchmark's outcome: rows, the machine they were measured on, as a table and as files the README can quote."""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from benchmarks.harness import Timing, ratio
from core.timing import cpu_name

RESULTS = Path(__file__).parent / "results"
HEADER = ("what", "median", "IQR", "CPU time", "times faster (IQR)", "by CPU time", "error, remarks")


@dataclass(frozen=True)
class Row:
    """One line of a table; times in seconds.

    Attributes:
        what: the case.
        timing: its rounds.
        reference: rounds of the case it is compared with; None for that case itself.
        note: errors and remarks.
    """

    what: str
    timing: Timing
    reference: Timing | None = None
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """What the columns of ``HEADER`` show."""
        low, high = self.timing.iqr
        times = ("1", "1")
        if self.reference is not None:
            gain = ratio(self.reference, self.timing)
            times = (f"{gain.wall:.3g} ({gain.low:.3g} to {gain.high:.3g})", f"{gain.cpu:.3g}")
        spread = f"{duration(low)} to {duration(high)}"
        return (self.what, duration(self.timing.median), spread, duration(self.timing.cpu_median), *times, self.note)

    def as_dict(self) -> dict[str, object]:
        """For the JSON file."""
        gain = None if self.reference is None else asdict(ratio(self.reference, self.timing))
        low, high = self.timing.iqr
        return {
            "what": self.what,
            "median_s": self.timing.median,
            "iqr_s": [low, high],
            "cpu_median_s": self.timing.cpu_median,
            "rounds": len(self.timing.wall),
            "times_faster": gain,
            "note": self.note,
        }


@dataclass(frozen=True)
class Report:
    """Everything one benchmark found.

    Attributes:
        name: of the result files.
        title: what was measured, with its sizes.
        rows: the table.
        remarks: sentences below the table.
        values: numbers for the JSON file that belong to no row.
    """

    name: str
    title: str
    rows: list[Row]
    remarks: list[str] = field(default_factory=list)
    values: Mapping[str, float | None] = field(default_factory=dict)

    def markdown(self) -> str:
        """Title, table, remarks, machine."""
        lines = [HEADER, tuple("---" for _ in HEADER), *(row.cells() for row in self.rows)]
        table = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
        busy = statistics.mean(share for row in self.rows for share in row.timing.others)
        alone = f"Other processes used {busy:.2f} cores on average during the kept rounds."
        return "\n\n".join([f"## {self.title}", table, *self.remarks, alone, machine_line()]) + "\n"

    def write(self, folder: Path = RESULTS) -> None:
        """Store as ``<name>.md`` and ``<name>.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.md").write_text(self.markdown(), encoding="utf-8")
        content = {
            "title": self.title,
            "rows": [row.as_dict() for row in self.rows],
            "remarks": self.remarks,
            "values": dict(self.values),
            "others_cores": statistics.mean(share for row in self.rows for share in row.timing.others),
            "machine": machine(),
        }
        (folder / f"{self.name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def duration(seconds: float) -> str:
    """Three digits and a fitting unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def machine() -> dict[str, str | int]:
    """What the numbers were measured on."""
    malloc = " ".join(f"{key}={value}" for key, value in sorted(os.environ.items()) if key.startswith("MALLOC_"))
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count() or 0,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "malloc": malloc or "default",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def machine_line() -> str:
    """The machine in one line."""
    facts = machine()
    return (
        f"{facts['cpu']}, {facts['cores']} cores, {facts['threads']} thread(s) used, torch {facts['torch']}, "
        f"Python {facts['python']}, {facts['system']}, malloc: {facts['malloc']}, {facts['date']}"
    )
