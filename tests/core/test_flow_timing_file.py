"""Runs as files: everything is kept, nothing wrong is read, nothing is lost; and the subcommand that writes them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core import progress, timing_store
from core.cache_folder import cache_folder
from core.errors import CheckpointError
from core.flow_timing_file import STORE, find_run, list_runs, read_run, save_run, write_run
from core.flow_timing_records import METHOD_NAMES, FlowRun
from core.timing_store import runs_folder
from tests.core.commands import answer, complaint
from tests.core.timings import LATER, STAMP, run, slower

QUICK = ("--dims", "1", "2", "3", "--batch", "5", "--hidden", "6", "5", "--layers", "1", "--repeats", "1")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRIORSCOPE_TIMINGS", str(tmp_path / "timings"))
    return tmp_path / "timings" / "flow-timing"


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    write_run(tmp_path / "run.json", run())
    return tmp_path / "run.json"


def test_the_file_keeps_everything(stored: Path) -> None:
    assert read_run(stored) == run() and [path.name for path in stored.parent.iterdir()] == ["run.json"]
    assert isinstance(read_run(stored).timings[0].seconds, tuple)


def test_runs_are_listed_newest_first_and_broken_ones_last(folder: Path) -> None:
    old, new = save_run(run(STAMP)), save_run(slower(run(LATER), 2.0))
    assert {old.parent, new.parent} == {folder} and old.name.startswith("20261124T040000-")
    assert save_run(run(STAMP)) == old, "the same run is kept once"
    (folder / "broken.json").write_text("{")
    (folder / ".hidden.json-123").write_text("{")
    listed = list_runs()
    mine = [item for item in listed if not item.shipped]
    assert [item.name for item in mine] == [new.name, old.name, "broken.json"]
    assert mine[0].run == slower(run(LATER), 2.0) and mine[2].run is None and "not JSON" in mine[2].error
    assert find_run(old.name) == old and find_run(str(old)) == old
    with pytest.raises(ValueError, match="there is no run 'nothing'"):
        find_run("nothing")


def test_the_shipped_run_is_whole_and_small() -> None:
    shipped = [item for item in list_runs() if item.shipped]
    assert len(shipped) == 1 and shipped[0].error == "" and STORE.shipped.stat().st_size < 60_000
    found = shipped[0].run
    assert found is not None and found.settings.methods == METHOD_NAMES and len(found.settings.dims) >= 5
    assert find_run(STORE.shipped.name) == STORE.shipped
    assert all(timing.repeats >= 3 for timing in found.timings)
    assert max(max(c.round_trip, c.reference, c.log_det or 0.0) for c in found.checks) < 1e-5


def test_a_run_that_is_killed_while_it_writes_breaks_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = save_run(run(STAMP))

    def die(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", die)
    for write in (lambda: save_run(run(LATER)), lambda: write_run(kept, run(LATER))):
        with pytest.raises(KeyboardInterrupt):
            write()
    mine = [item for item in list_runs() if not item.shipped]
    assert [(item.name, item.run) for item in mine] == [(kept.name, run(STAMP))]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PRIORSCOPE_TIMINGS", str(tmp_path / "file"))
    with pytest.raises(ValueError, match="Set PRIORSCOPE_TIMINGS to a folder that can be written"):
        save_run(run())


def test_the_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert runs_folder() == tmp_path / "timings"
    monkeypatch.delenv("PRIORSCOPE_TIMINGS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert runs_folder() == tmp_path / "priorscope" / "timings"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert runs_folder() == tmp_path / ".cache" / "priorscope" / "timings"
    monkeypatch.setenv("SOMEWHERE", "~no-such-user-here/x")
    with pytest.raises(ValueError, match=r"the x folder .* no known home folder; set SOMEWHERE"):
        cache_folder("x", "SOMEWHERE")


def change(path: list, value) -> callable:
    def apply(content: dict) -> None:
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return apply


@pytest.mark.parametrize(
    ("corrupt", "reason"),
    [
        (change(["schema_version"], 2), "this program reads .*: measure again"),
        (change(["schema_version"], True), "measure again"),
        (change(["kind"], "prior-bill"), "measure again"),
        (lambda content: content.pop("kind"), "measure again"),
        (change(["extra"], 1), "extra is no field of a run"),
        (change(["timings", 0, "extra"], 1), "timings.0.extra is no field of a run"),
        (change(["timings"], []), "there must be timings"),
        (change(["timings", 0, "flow"], "glow"), "timings.0.flow"),
        (change(["timings", 0, "method"], "magic"), "timings.0.method"),
        (change(["timings", 0, "method"], "fixed_point"), None),
        (change(["timings", 0, "dim"], 3), "d = 3 or method 'naive' is not among the settings"),
        (change(["timings", 0, "dim"], 2.5), "timings.0.dim"),
        (change(["timings", 0, "dim"], "2"), "timings.0.dim"),
        (change(["timings", 1, "dim"], 2), "none of them nor of the checks twice"),
        (change(["checks", 1, "dim"], 2), "none of them nor of the checks twice"),
        (change(["timings", 0, "seconds"], []), "timings.0: seconds must be one or more"),
        (change(["timings", 0, "seconds", 0], 0.0), "over 0"),
        (change(["timings", 0, "seconds", 0], -1.0), "over 0"),
        (change(["timings", 0, "seconds", 0], 1e9), "at most 100000"),
        (change(["timings", 0, "seconds", 0], True), "timings.0.seconds.0"),
        (change(["timings", 0, "seconds"], [1.0] * 10_001), "a list of 10001 entries"),
        (change(["timings", 0, "batch"], 11), "batch or layers differ"),
        (change(["timings", 0, "hidden"], []), "hidden and parameters"),
        (change(["timings", 0, "parameters"], 10**400), "out of range"),
        (change(["timings", 0, "passes"], 0.5), "passes must be from 1"),
        (change(["checks", 0, "round_trip"], -1.0), "checks.0: an error is negative"),
        (change(["checks", 0, "points"], 0), "checks.0: d = 2"),
        (change(["checks", 0, "log_det"], None), None),
        (change(["stamps"], []), "stamps must be different moments"),
        (change(["stamps"], ["yesterday"]), "stamps must be different moments"),
        (change(["stamps"], [STAMP, STAMP]), "stamps must be different moments"),
        (change(["stamps"], [LATER, STAMP]), "ascending"),
        (change(["settings", "dims"], [2, 4, 8]), "d = 16"),
        (change(["settings", "dims"], []), "settings: dims"),
        (change(["settings", "dtype"], "float16"), "settings: dtype"),
        (change(["settings", "methods"], ["fixed_point"]), "method 'naive' is not among the settings"),
        (change(["settings", "repeats"], 10**6), "settings: repeats"),
        (change(["machine", "cores"], 0), "machine: cores"),
        (change(["machine", "cpu"], "x" * 500), "a text of 500 characters"),
        (change(["machine", "load"], None), None),
        (lambda content: content["machine"].pop("torch"), "machine.torch"),
        (lambda content: content.pop("left_out"), "left_out"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(corrupt, reason: str | None, stored: Path) -> None:
    content = json.loads(stored.read_text())
    corrupt(content)
    stored.write_text(json.dumps(content))
    if reason is None:  # unusual, but possible
        assert isinstance(read_run(stored), FlowRun)
        return
    with pytest.raises(CheckpointError, match=reason) as caught:
        read_run(stored)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", ["", "[]", "1", '{"kind": NaN}', '{"kind": 1e999}', "{" * 5000, "\ud800"])
def test_what_is_no_object_of_finite_numbers_is_refused(text: str, stored: Path) -> None:
    stored.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(CheckpointError, match=r"run\.json"):
        read_run(stored)


def test_a_file_of_another_machine_with_more_cores_is_read(stored: Path) -> None:
    write_run(stored, replace(run(), settings=replace(run().settings, threads=64)))
    assert read_run(stored).settings.threads == 64


# ---------------------------------------------------------------- the subcommand


def test_the_subcommand_keeps_what_it_tells(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress.json"))
    told = answer(capsys, "flow-timing", "--json", *QUICK, "--output", str(tmp_path / "out.json"))
    kept = read_run(Path(told["file"]))
    assert read_run(tmp_path / "out.json") == kept and {"file": told["file"], **STORE.as_dict(kept)} == told
    assert kept.settings.dims == (1, 2, 3) and kept.settings.hidden == (6, 5) and kept.settings.repeats == 1
    assert json.loads((tmp_path / "progress.json").read_text())["message"].startswith("checking")
    more = answer(capsys, "flow-timing", "--json", "--more", Path(told["file"]).name, "--repeats", "2")
    assert read_run(Path(more["file"])).settings == replace(kept.settings, repeats=2)
    assert len([item for item in list_runs() if not item.shipped]) == 2


def test_the_table_says_what_was_measured(capsys) -> None:
    from core.cli import main

    assert main(["flow-timing", *QUICK, "--methods", "incremental"]) == 0
    table = capsys.readouterr().out
    for words in ("maf sample incremental", "iaf density incremental", "realnvp own_density", "slope [95 %]"):
        assert words in table
    assert "naive" not in table.replace("naive loop", "")
    assert "left out: realnvp and nice at d = 1" in table and "largest errors: round trip" in table
    assert "batch 5, 1 layers of 6-5" in table and "1 thread(s), float32" in table


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (("--dims", "0"), "dims is 0"),
        (("--dtype", "bfloat16"), "expected float32 or float64"),
        (("--device", "cuda:7"), "expected cpu or cuda"),
        (("--methods", "magic"), "expected some of naive"),
        (("--threads", "100000"), "threads is 100000"),
        (("--output", "nowhere/else/x.json"), "there is no folder"),
        (("--more", "nothing"), "there is no run 'nothing'"),
        (("--more", "flow-timing.json", "--batch", "3"), "leave out --batch"),
        (("--dims", "1024", "--batch", "20000"), "at most 60 are allowed"),
    ],
)
def test_the_subcommand_refuses_in_one_line(wrong: tuple[str, ...], reason: str, capsys, folder: Path) -> None:
    assert reason in complaint(capsys, "flow-timing", *wrong)
    assert not folder.exists()


def test_a_broken_run_cannot_be_continued(folder: Path, capsys) -> None:
    folder.mkdir(parents=True)
    (folder / "broken.json").write_text("{}")
    assert "broken.json: kind and schema version" in complaint(capsys, "flow-timing", "--more", "broken.json")


def test_numbers_of_a_file_have_limits() -> None:
    assert timing_store._problem_of_size({"a": [1.0, {"b": -1e13}]}).startswith("the number -1")
    assert timing_store._problem_of_size({"a": [1.0, True, None, "x"]}) == ""
