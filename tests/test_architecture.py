"""The borders of the house: who may import what, and what must stand nowhere.

Each rule is a function of tests/architecture.py. It runs over the whole product, and over small offending
sources, so that a rule which can no longer see anything fails too.
"""

import ast
from pathlib import Path

import pytest

from tests.architecture import (
    MAX_LINES,
    Rule,
    calculations_know_no_figures,
    core_knows_no_streamlit,
    figures_and_records_know_no_torch,
    no_dumping_ground,
    no_pickle,
    no_swallowed_errors,
    no_text_becomes_code,
    one_file_makes_fragments,
    only_one_file_caches,
    pages_do_no_maths,
    pages_open_no_files,
    pictures_are_exact,
    short_files,
)

ROOT = Path(__file__).resolve().parent.parent


def product_files() -> list[Path]:
    files = [ROOT / "dashboard.py"]
    for folder in ("core", "pages", "benchmarks"):
        files += sorted((ROOT / folder).rglob("*.py"))
    return files


RULES: list[tuple[Rule, list[tuple[str, str]]]] = [
    (
        core_knows_no_streamlit,
        [
            ("core/vae.py", "import streamlit as st"),
            ("core/vae.py", "def f():\n    from streamlit.errors import E"),
            ("core/vae.py", "from pages import _ui"),
        ],
    ),
    (
        figures_and_records_know_no_torch,
        [
            ("core/figures/a.py", "import torch"),
            ("core/figures/a.py", "from torch.nn import Module"),
            ("core/records.py", "import torch"),
            ("core/records.py", "from . import vae"),
        ],
    ),
    (
        calculations_know_no_figures,
        [
            ("core/vae.py", "from core.figures import theme"),
            ("core/vae.py", "from core import figures"),
            ("core/vae.py", "from . import figures"),
            ("core/metrics/a.py", "from ..figures.theme import BLUE"),
            ("core/vae.py", "import plotly.graph_objects as go"),
        ],
    ),
    (
        pages_do_no_maths,
        [
            ("pages/home.py", "import torch"),
            ("pages/_ui/a.py", "from sklearn.decomposition import PCA"),
            ("pages/home.py", "import scipy.stats"),
        ],
    ),
    (
        pages_open_no_files,
        [
            ("pages/home.py", "open('x')"),
            ("pages/home.py", "Path('x').read_text()"),
            ("pages/_ui/a.py", "root.iterdir()"),
            ("pages/home.py", "np.load('x')"),
        ],
    ),
    (
        only_one_file_caches,
        [
            ("pages/home.py", "@st.cache_data\ndef f(): ..."),
            ("pages/_ui/a.py", "@st.cache_resource(max_entries=1)\ndef f(): ..."),
            ("pages/cache_a.py", "@st.cache_data\ndef f(): ..."),
            ("pages/home.py", "from streamlit import cache_data"),
            ("pages/_ui/cache_a.py", "@st.cache_data\ndef f(): ..."),
            ("pages/_ui/a.py", "from pages._ui.cache_store import kept"),
            ("pages/home.py", "from pages._ui import cache_store"),
        ],
    ),
    (
        one_file_makes_fragments,
        [
            ("pages/home.py", "@st.fragment\ndef f(): ..."),
            ("pages/_ui/a.py", "st.fragment(run_every=1)(f)"),
            ("pages/_ui/a.py", "from streamlit import fragment"),
        ],
    ),
    (short_files, [("core/a.py", "x = 1\n" * (MAX_LINES + 1)), ("pages/a.py", "\n" * (MAX_LINES + 1))]),
    (no_dumping_ground, [("core/utils.py", "")]),
    (
        no_pickle,
        [
            ("core/a.py", "import pickle"),
            ("core/a.py", "from joblib import load"),
            ("core/a.py", "torch.load(path, weights_only=True)"),
            ("core/a.py", "from torch import load"),
            ("core/a.py", "np.load(path, allow_pickle=True)"),
            ("core/a.py", "np.load(path, allow_pickle=flag)"),
        ],
    ),
    (
        no_text_becomes_code,
        [
            ("core/a.py", "eval(text)"),
            ("core/a.py", "exec(text)"),
            ("core/a.py", "import yaml"),
            ("core/a.py", "os.system(command)"),
            ("core/a.py", "subprocess.run(command, shell=True)"),
            ("pages/a.py", "st.markdown(name, unsafe_allow_html=True)"),
            ("pages/a.py", "st.html(f'<b>{name}</b>')"),
        ],
    ),
    (
        pictures_are_exact,
        [("pages/a.py", "column.image(during, alt='x')"), ("pages/a.py", "st.image(p, alt='x', output_format='PNG')")],
    ),
    (
        no_swallowed_errors,
        [
            ("core/a.py", "try:\n    f()\nexcept OSError:\n    pass"),
            ("core/a.py", "try:\n    f()\nexcept:\n    ..."),
        ],
    ),
]


@pytest.mark.parametrize("rule", [rule for rule, _ in RULES], ids=lambda rule: rule.__name__)
def test_the_product_keeps_the_rule(rule: Rule) -> None:
    broken = {}
    for file in product_files():
        path = file.relative_to(ROOT).as_posix()
        if complaints := rule(path, file.read_text(encoding="utf-8")):
            broken[path] = complaints
    assert not broken


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        pytest.param(rule, *offence, id=f"{rule.__name__}-{n}")
        for rule, offences in RULES
        for n, offence in enumerate(offences)
    ],
)
def test_the_rule_can_fail(rule: Rule, path: str, source: str) -> None:
    assert rule(path, source)


@pytest.mark.parametrize("rule", [rule for rule, _ in RULES], ids=lambda rule: rule.__name__)
@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("core/figures/a.py", "import numpy as np\nimport plotly.graph_objects as go\nfrom core.records import Share"),
        ("core/a.py", "import torch\nfrom core.records import Share\nnp.load(f, allow_pickle=False)"),
        ("pages/a.py", "import streamlit as st\nfrom pages._ui import cache\nst.button('open')"),
        ("pages/a.py", "st.image(data_uri(pixels), alt=told)\nposterior.image(models, row, seed)"),
        ("core/a.py", "try:\n    f()\nexcept OSError as error:\n    raise ValueError('why') from error"),
    ],
)
def test_the_rule_lets_good_code_pass(rule: Rule, path: str, source: str) -> None:
    assert not rule(path, source)


def test_the_walk_sees_the_product() -> None:
    found = {file.relative_to(ROOT).as_posix() for file in product_files()}
    assert {"dashboard.py", "pages/_shell.py", "core/records.py", "core/vae.py", "pages/_ui/cache.py"} <= found


def listed_pages(shell_source: str) -> list[str]:
    """The files in the shell's table, read without running it."""
    for node in ast.parse(shell_source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAGES":
            return [row[1] for row in ast.literal_eval(node.value)]
    raise AssertionError("pages/_shell.py has no table PAGES")


def test_every_page_is_listed_and_every_listed_page_exists() -> None:
    listed = listed_pages((ROOT / "pages" / "_shell.py").read_text(encoding="utf-8"))
    there = [file.name for file in (ROOT / "pages").glob("*.py") if not file.name.startswith("_")]
    assert sorted(listed) == sorted(there)
