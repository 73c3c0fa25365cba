"""The borders of the house: functions from (path, source) to complaints, which tests/test_architecture.py asks."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

MAX_LINES = 300

Rule = Callable[[str, str], list[str]]


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
