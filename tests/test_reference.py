"""The reference that ``make docs`` builds: everything public has a docstring, and building it warns of nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.flows import FLOWS
from core.posteriors import POSTERIORS
from core.priors import PRIORS

ROOT = Path(__file__).resolve().parents[1]
SHOWN = ("core.mixture", "core.flows", "core.flows.coupling", "core.records")
"""Modules of every kind: formulas, a package with a registry, records."""


def undocumented(source: str) -> list[str]:
    """Public names of a source without a docstring, "" for the source itself."""

    def within(node: ast.Module | ast.ClassDef, prefix: str) -> list[str]:
        found = []
        for one in node.body:
            if isinstance(one, ast.FunctionDef | ast.ClassDef) and not one.name.startswith("_"):
                found += [] if ast.get_docstring(one) else [prefix + one.name]
                found += within(one, f"{prefix}{one.name}.") if isinstance(one, ast.ClassDef) else []
        return found

    tree = ast.parse(source)
    return ([] if ast.get_docstring(tree) else [""]) + within(tree, "")


def test_everything_public_in_core_has_a_docstring() -> None:
    sources = {file.relative_to(ROOT): file.read_text("utf-8") for file in (ROOT / "core").rglob("*.py")}
    assert len(sources) > 100
    assert not {str(file): names for file, text in sources.items() if (names := undocumented(text))}


def test_the_rule_can_fail() -> None:
    assert undocumented("class A:\n    '''A.'''\n    def b(self): ...\n    def _c(self): ...") == ["", "A.b"]


@pytest.mark.parametrize(
    "build", [*FLOWS.values(), *(kind.options for kind in [*PRIORS.values(), *POSTERIORS.values()])]
)
def test_what_a_registry_holds_is_told(build: object) -> None:
    assert len((build.__doc__ or "").strip()) > 15


def test_the_reference_is_built_without_a_warning_and_without_the_network(tmp_path: Path) -> None:
    made = "docs: .*\n\t(.*)\n"
    found = re.search(made, (ROOT / "Makefile").read_text("utf-8"))
    assert found is not None, "the Makefile has no target docs"
    words = found[1].replace("$(PY)", sys.executable).replace("docs/api", str(tmp_path)).split()
    assert words.pop() == "$(MODULES)"
    done = subprocess.run([*words, *SHOWN], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0 and "Warn" not in done.stderr, done.stderr
    for module in SHOWN:
        html = (tmp_path / f"{module.replace('.', '/')}.html").read_text("utf-8")
        assert not re.findall(r"<(?:script|link)[^>]+(?:src|href)=.https?:", html), "it asks another host for something"
    told = (tmp_path / "core" / "flows" / "coupling.html").read_text("utf-8")
    assert "RealNVP: affine couplings" in told and "<strong>dim:</strong>" in told, "arguments are a list"
    assert "arXiv:1605.08803" in told


@pytest.mark.parametrize("guide", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.stem)
def test_files_that_a_guide_names_are_there(guide: Path) -> None:
    """Files of the program, and other guides; one that the reader is told to write stands in a block of code."""
    text = re.sub(r"```.*?```", "", guide.read_text("utf-8"), flags=re.DOTALL)
    named = re.findall(r"`((?:core|pages|tests|benchmarks)/[\w/.]+?\.py)`", text)
    linked = re.findall(r"\]\(([\w./-]+\.(?:md|png))\)", text)
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing + [name for name in linked if not (guide.parent / name).exists()]
