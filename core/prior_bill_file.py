"""Prior bills as files: kept, listed, and checked when they are read."""

from __future__ import annotations

from pathlib import Path

from core.errors import CheckpointError
from core.flow_timing_file import MAX_SECONDS
from core.prior_bill_records import BillRun, BillSettings, PriorBill, StoredBill
from core.prior_bill_settings import check_bill_settings
from core.timing_store import Store, is_stamp


def save_bill(run: BillRun) -> Path:
    """Keep a run among those measured here.

    Raises:
        ValueError: where the folder cannot be written.
    """
    return STORE.save(run, run.stamp)


def read_bill(file: Path) -> BillRun:
    """The run that a file holds.

    Raises:
        CheckpointError: if it cannot be used, naming what is wrong.
    """
    return STORE.read(file)


def write_bill(file: Path, run: BillRun) -> None:
    """Replace a file in one step: a reader sees the old run or the new one."""
    STORE.write(file, run)


def list_bills() -> tuple[StoredBill, ...]:
    """Every run, newest first, the one that came with the program among them; broken ones last, with their reason."""
    found = [_stored(file, file == STORE.shipped) for file in (*STORE.files(), STORE.shipped) if file.exists()]
    return tuple(sorted(found, key=lambda item: (item.run.stamp if item.run else "", item.name), reverse=True))


def _stored(file: Path, shipped: bool) -> StoredBill:
    try:
        return StoredBill(file.name, read_bill(file), shipped=shipped)
    except CheckpointError as error:
        return StoredBill(file.name, None, str(error), shipped)


def _problem(run: BillRun) -> str:
    """What no field says by itself, "" where all is well."""
    try:
        check_bill_settings(run.settings)
    except ValueError as error:
        return f"settings: {error}"
    if not is_stamp(run.stamp):
        return "stamp must be a moment in UTC, ISO 8601"
    if run.machine.cores < 1 or (run.machine.load or 0) < 0:
        return "machine: cores must be at least 1, load not negative"
    keys = [(bill.prior, bill.method, bill.dim) for bill in run.bills]
    if not keys or len(set(keys)) < len(keys):
        return "there must be bills, and none of them twice"
    for place, bill in enumerate(run.bills):
        if problem := _problem_of_bill(bill, run.settings):
            return f"bills.{place}: {problem}"
    return ""


def _problem_of_bill(bill: PriorBill, settings: BillSettings) -> str:
    if bill.dim not in settings.dims or bill.prior not in settings.priors:
        return f"prior {bill.prior} at d = {bill.dim} is not among the settings"
    if (bill.method == "") != (bill.prior in ("standard", "realnvp")):
        return f"prior {bill.prior} has the method {bill.method!r}"
    for name in ("step", "density", "sampling", "generating"):
        seconds = getattr(bill, name).seconds
        if not seconds or not all(0 < second <= MAX_SECONDS for second in seconds):
            return f"{name}: seconds must be one or more, over 0, at most {MAX_SECONDS:g}"
    if bill.parameters < 0 or not all(0 <= n <= bill.dim for n in (bill.passes_density, bill.passes_sampling)):
        return "parameters must not be negative, passes from 0 to d"
    return ""


STORE: Store[BillRun] = Store("prior-bill", 1, BillRun, _problem)
