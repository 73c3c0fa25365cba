"""What is kept by content: told apart by everything that it holds, remembered as long as it lives, made once."""

from __future__ import annotations

import gc
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.figures import kept
from core.figures.kept import content_key, once
from core.records import Estimate

CALLS: list[Any] = []
MEASURED = Estimate(1.0, 0.1)


@dataclass(frozen=True)
class Frozen:
    name: str
    values: np.ndarray
    inner: Estimate = MEASURED


@dataclass
class Changing:
    name: str


def words(*of: Any) -> str:
    CALLS.append(of)
    return f"{len(of)}"


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    CALLS.clear()
    monkeypatch.setattr(kept, "_answers", kept.Kept(4))


def test_records_of_one_content_are_one_and_others_are_others() -> None:
    one, same = (Frozen("a", np.arange(3.0)) for _ in range(2))
    others = [
        replace(one, name="b"), replace(one, values=np.arange(4.0)), replace(one, values=np.arange(3.0, dtype="f4")),
        replace(one, inner=Estimate(1.0, 0.2)),
    ]  # fmt: skip
    keys = [content_key(record) for record in (one, *others)]
    assert content_key(one) == content_key(same) == content_key(one) and len(set(keys)) == len(keys)
    assert content_key([one]) != content_key((one,)) != content_key(one)


def test_a_frozen_record_is_read_once_and_another_kind_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    one, changing = Frozen("a", np.arange(3.0)), Changing("a")
    first, before = content_key(one), content_key(changing)
    changing.name = "b"
    assert content_key(changing) != before
    monkeypatch.setattr(kept, "fields", lambda _: pytest.fail("read again"))
    assert content_key(one) == first


def test_what_died_is_forgotten_and_its_place_is_not_mistaken() -> None:
    known, keys = len(kept._told), set()
    for number in range(200):  # the same place in memory again and again
        record = Frozen(str(number), np.zeros(1))
        keys.add(content_key(record))
        del record
    gc.collect()
    assert len(keys) == 200 and len(kept._told) <= known + 2


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner)))
def test_any_plain_value_has_a_key_that_is_its_own(value: Any) -> None:
    assert content_key(value) == content_key(value) != content_key([value]) != content_key([[value]])


def test_words_are_made_once_for_each_content() -> None:
    one, same = (Frozen("a", np.arange(3.0)) for _ in range(2))
    assert once(words, one, 1) is once(words, same, 1) and CALLS == [(one, 1)]
    assert once(words, one) == "1" and once(words, one, 2) == "2" and len(CALLS) == 3
    for number in range(4):  # the oldest goes first
        once(words, number)
    once(words, one, 1)
    assert len(CALLS) == 8


def test_what_cannot_be_told_is_refused_not_confused() -> None:
    with pytest.raises(TypeError, match="object"):
        once(words, object())
    with pytest.raises(ValueError, match="no"):
        once(_fails, 1)
    with pytest.raises(ValueError, match="no"):
        once(_fails, 1)
    assert len(CALLS) == 2


def _fails(_: int) -> None:
    CALLS.append("failed")
    raise ValueError("no")
