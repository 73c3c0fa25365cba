"""ladder.json beside a checkpoint: written in one step, checked when it is read, bound to one content digest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import CheckpointError, first_problem
from core.flows import FLOWS
from core.jsonfile import read_object
from core.ladder import KINDS
from core.ladder_records import Ladder, LeftOut, Rung, reference_of
from core.plain_text import is_plain, shown
from core.records import Estimate
from core.replacing import replacing

NAME = "ladder.json"
SCHEMA_VERSION = 2
MAX_RUNGS = 200
LONGEST_REASON = 500
"""Characters of why a prior could not be fitted."""
LIMIT = 1e12
"""Largest number of a file: far beyond any marginal KL, and its sums and differences stay finite."""

Number = Annotated[float, Field(ge=-LIMIT, le=LIMIT)]
Size = Annotated[float, Field(ge=0, le=LIMIT)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Images = Annotated[int, Field(ge=2, le=10**9)]


SPLITS = ("train", "validation", "test")
GAINS = tuple(f"{split}_gain" for split in SPLITS)
NULLS = tuple(f"{split}_null" for split in SPLITS)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _Estimate(_Strict):
    value: Number
    se: Size

    def record(self) -> Estimate:
        return Estimate(self.value, self.se)


class _Rung(_Strict):
    kind: str
    title: str = Field(min_length=1, max_length=100)
    components: Annotated[int, Field(ge=1, le=10**9)] | None
    parameters: Count
    seconds: Size
    train: _Estimate
    validation: _Estimate
    test: _Estimate
    train_gain: _Estimate
    validation_gain: _Estimate
    test_gain: _Estimate

    def record(self) -> Rung:
        measured = (getattr(self, name).record() for name in (*SPLITS, *GAINS))
        return Rung(self.kind, self.title, self.components, self.parameters, self.seconds, *measured)


class _LeftOut(_Strict):
    title: str = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=LONGEST_REASON)

    def record(self) -> LeftOut:
        return LeftOut(self.title, self.reason)


class _File(_Strict):
    schema_version: int
    rungs: list[_Rung] = Field(min_length=1, max_length=MAX_RUNGS)
    covariance: list[list[Number]] = Field(max_length=MAX_RUNGS)
    train_null: _Estimate | None
    validation_null: _Estimate | None
    test_null: _Estimate | None
    n_train: Images
    n_validation: Images
    n_test: Images
    steps: Annotated[int, Field(ge=1, le=10**9)]
    seed: Annotated[int, Field(ge=0, lt=2**64)]
    digest: str = Field(pattern="^[0-9a-f]{1,64}$")
    standardised: bool = False
    left_out: list[_LeftOut] = Field([], max_length=MAX_RUNGS)


def as_dict(ladder: Ladder) -> dict[str, Any]:
    """The ladder as a JSON object, as ``ladder.json`` holds it."""
    rungs = [
        {
            "kind": rung.kind,
            "title": rung.title,
            "components": rung.components,
            "parameters": rung.parameters,
            "seconds": rung.seconds,
            **{name: getattr(rung, name).as_dict() for name in (*SPLITS, *GAINS)},
        }
        for rung in ladder.rungs
    ]
    known = {name: getattr(ladder, name) for name in NULLS}
    nulls = {name: None if null is None else null.as_dict() for name, null in known.items()}
    plain = {name: getattr(ladder, name) for name in ("n_train", "n_validation", "n_test", "steps", "seed", "digest")}
    covariance = ladder.covariance.tolist()
    found = {"schema_version": SCHEMA_VERSION, "rungs": rungs, "covariance": covariance, **nulls, **plain}
    if ladder.standardised:  # as most are not, files of before are what they would be now
        found["standardised"] = True
    if ladder.left_out:
        found["left_out"] = [{"title": one.title, "reason": one.reason[:LONGEST_REASON]} for one in ladder.left_out]
    return found


def write_ladder(file: Path, ladder: Ladder) -> None:
    """Replace the file in one step: a reader sees the old ladder or the new one."""
    with replacing(file) as fresh:
        fresh.write_text(json.dumps(as_dict(ladder), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_ladder(folder: Path) -> Ladder | None:
    """The ladder of a checkpoint folder, None where there is none.

    It holds for the checkpoint whose digest is ``Ladder.digest``: the reader compares.

    Args:
        folder: of the checkpoint.

    Raises:
        CheckpointError: if it is there and cannot be used, naming what is wrong.
    """
    file = folder / NAME
    return read_ladder_file(file) if file.is_file() else None


def read_ladder_file(file: Path) -> Ladder:
    """The ladder that a file of any name holds.

    Raises:
        CheckpointError: if it cannot be used, naming what is wrong.
    """
    found = read_object(file)
    version = found.get("schema_version")
    if isinstance(version, int) and version != SCHEMA_VERSION:  # before the fields, which differ
        reason = f"schema version {version}; this program reads {SCHEMA_VERSION}"
        raise CheckpointError(f"{file.name}: {reason}: fit the ladder again")
    try:
        content = _File.model_validate(found)
    except ValidationError as error:
        raise CheckpointError(f"{file.name}: {first_problem(error)}") from error
    if problem := _problem(content):
        raise CheckpointError(f"{file.name}: {problem}")
    found_nulls = (content.train_null, content.validation_null, content.test_null)
    train, validation, test = (None if null is None else null.record() for null in found_nulls)
    sizes = (content.n_train, content.n_validation, content.n_test)
    rungs = tuple(rung.record() for rung in content.rungs)
    covariance = np.array(content.covariance, dtype=np.float64)
    told = (content.steps, content.seed, content.digest, content.standardised)
    left_out = tuple(one.record() for one in content.left_out)
    return Ladder(rungs, covariance, train, validation, test, *sizes, *told, left_out)


def _problem(content: _File) -> str | None:
    """What no field says by itself, None where all is well."""
    for rung in content.rungs:
        if not is_plain(rung.title):
            return f"the title of a rung is {shown(rung.title)!r}"
        if rung.kind not in KINDS:
            return f"unknown kind of rung {shown(rung.kind, 40)!r}; known: {', '.join(KINDS)}"
        if (rung.components is None) != (rung.kind in FLOWS):
            return f"a rung of kind {rung.kind} has components = {rung.components}"
    for one in content.left_out:
        if not is_plain(one.title) or not is_plain(one.reason):
            return f"what was left out is {shown(one.title)!r}: {shown(one.reason)!r}"
    names = [(rung.kind, rung.components) for rung in content.rungs]
    if len(set(names)) < len(names):
        return "two rungs are the same"
    if problem := _wrong_gain(content):
        return problem
    rows = len(content.rungs)
    if len(content.covariance) != rows or any(len(row) != rows for row in content.covariance):
        return f"covariance must be {rows} x {rows}, one row for each rung"
    covariance = np.array(content.covariance, dtype=np.float64)
    tolerance = 1e-9 * max(float(np.abs(covariance).max()), 1e-300)
    if not np.allclose(covariance, covariance.T, rtol=0, atol=tolerance) or covariance.diagonal().min() < 0:
        return "covariance must be symmetric, with no negative variance"
    return None


def _wrong_gain(content: _File) -> str | None:
    """A gain that is not the difference of the marginal KLs beside it, None where all are."""
    base = content.rungs[reference_of([rung.kind for rung in content.rungs])]
    for place, rung in enumerate(content.rungs):
        for split, name in zip(SPLITS, GAINS, strict=True):
            minuend, subtrahend = getattr(base, split).value, getattr(rung, split).value
            expected, found = minuend - subtrahend, getattr(rung, name).value
            if abs(found - expected) > 1e-6 * (1 + abs(minuend) + abs(subtrahend)):
                return f"rungs.{place}.{name} is {found:g}, but the marginal KLs differ by {expected:g}"
    return None
