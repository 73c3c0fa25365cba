"""The borders of the house: who may import what, and what must stand nowhere.

Each rule is a function from (path, source) to complaints. It runs over the whole product, and over small offending
sources, so that a rule which can no longer see anything fails too.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 300

Rule = Callable[[str, str], list[str]]


def product_files() -> list[Path]:
    files = [ROOT / "dashboard.py"]
    for folder in ("core", "pages", "benchmarks"):
        files += sorted((ROOT / folder).rglob("*.py"))
    return files


def imported_modules(path: str, source: str) -> Iterator[str]:
    """Every module a source imports, anywhere in it, with its full dotted name; ``from a import b`` gives a and a.b."""
    package = Path(path).parent.parts
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imports_any(path: str, source: str, *forbidden: str) -> list[str]:
    names = set(imported_modules(path, source))
    return sorted({ban for ban in forbidden for name in names if name == ban or name.startswith(ban + ".")})


def called_names(source: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted name of what is called, as written."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def core_knows_no_streamlit(path: str, source: str) -> list[str]:
    return imports_any(path, source, "streamlit", "pages") if path.startswith("core/") else []


def figures_and_records_know_no_torch(path: str, source: str) -> list[str]:
    if path.startswith("core/figures/"):
        return imports_any(path, source, "torch", "torchvision")
    return imports_any(path, source, "torch", "torchvision", "core") if path == "core/records.py" else []


def calculations_know_no_figures(path: str, source: str) -> list[str]:
    if path.startswith("core/") and not path.startswith("core/figures/"):
        return imports_any(path, source, "core.figures", "plotly")
    return []


def pages_do_no_maths(path: str, source: str) -> list[str]:
    return imports_any(path, source, "torch", "torchvision", "sklearn", "scipy") if path.startswith("pages/") else []


def pages_open_no_files(path: str, source: str) -> list[str]:
    if not path.startswith("pages/"):
        return []
    names = {"open", "np.load", "numpy.load", "json.load", "os.listdir", "os.remove"}
    methods = (".open", ".read_text", ".read_bytes", ".write_text", ".write_bytes", ".iterdir", ".glob", ".rglob")
    return [name for name, _ in called_names(source) if name in names or name.endswith(methods)]


def only_one_file_caches(path: str, source: str) -> list[str]:
    """Streamlit's caches nowhere, ``kept`` in cache.py and its parts, cache_<subject>.py."""
    words = ("cache_data", "cache_resource")
    attributes = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    if not (path.startswith("pages/_ui/cache") and path.count("/") == 2):
        words += ("cache_store", "cache_store.kept")
    return sorted(attributes.intersection(words) | {n for n in imported_modules(path, source) if n.endswith(words)})


def one_file_makes_fragments(path: str, source: str) -> list[str]:
    """A part of a page that runs again by itself waits for its turn: ``fragment`` of turns.py."""
    named = {ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    imported = [name for name in imported_modules(path, source) if name == "streamlit.fragment"]
    return [] if path == "pages/_ui/turns.py" else sorted(named & {"st.fragment", "streamlit.fragment"}) + imported


def short_files(path: str, source: str) -> list[str]:
    lines = len(source.splitlines())
    return [f"{lines} lines, at most {MAX_LINES}"] if path.startswith(("core/", "pages/")) and lines > MAX_LINES else []


def no_dumping_ground(path: str, source: str) -> list[str]:
    name = Path(path).name
    return [name] if name in ("utils.py", "util.py", "helpers.py", "misc.py", "common.py") else []


def no_pickle(path: str, source: str) -> list[str]:
    found = imports_any(path, source, "pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal")
    for name, call in called_names(source):
        unsafe = any(k.arg == "allow_pickle" and getattr(k.value, "value", True) is not False for k in call.keywords)
        if unsafe or name in ("torch.load", "torch.save", "pd.read_pickle", "pandas.read_pickle"):
            found.append(name)
    return found + [name for name in imported_modules(path, source) if name in ("torch.load", "torch.save")]


def no_text_becomes_code(path: str, source: str) -> list[str]:
    """Nothing that a file or an address holds is ever run, parsed as YAML with objects, or put into a page as HTML."""
    found = imports_any(path, source, "yaml", "dill", "code", "codeop")
    for name, call in called_names(source):
        unsafe_html = any(k.arg in ("unsafe_allow_html", "unsafe_allow_javascript", "shell") for k in call.keywords)
        if name in ("eval", "exec", "compile", "__import__", "os.system", "os.popen") or unsafe_html:
            found.append(name)
        if name in ("st.html", "st.iframe") and not all(isinstance(value, ast.Constant) for value in call.args):
            found.append(name)
    return found


def pictures_are_exact(path: str, source: str) -> list[str]:
    """A picture goes as ``data_uri``: Streamlit compresses an array anew in every run, as JPEG unless it is told."""
    if not path.startswith("pages/"):
        return []
    pictures = [call for name, call in called_names(source) if name.endswith(".image") and keyword(call, "alt")]
    return [ast.unparse(call)[:60] for call in pictures if not re.search(r"uris?\b", ast.unparse(call.args[0]))]


def keyword(call: ast.Call, name: str) -> object:
    """What a call gives for a keyword: its constant, True for anything else, None where it does not give it."""
    found = next((given.value for given in call.keywords if given.arg == name), None)
    return None if found is None else found.value if isinstance(found, ast.Constant) else True


def no_swallowed_errors(path: str, source: str) -> list[str]:
    def says_nothing(node: ast.stmt) -> bool:
        return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))

    handlers = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ExceptHandler))
    return [f"line {handler.lineno}" for handler in handlers if all(says_nothing(node) for node in handler.body)]


# Rule, then pairs of a path and a source that it must refuse there.
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
