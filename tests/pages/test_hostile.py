"""Names that try to be HTML, Markdown or a formula are shown as text, on every page and in every figure."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from core import uploads
from core.checkpoint import digest
from core.plain_text import is_plain, shown
from tests.core.test_uploads import images, npz
from tests.pages.addresses import PAGES, arriving, nodes

EVIL = (
    "<img src=x onerror=alert(1)>![a](http://evil.example/a.png)[b](javascript:alert(2))`c`$d$<a href='http://e.com'>e"
)
SIGNS = ("<img", "![a]", "](", "$d$", "<a href")
"""What makes a picture, a link, a formula or an element of it; the rest of it is only text then."""
LITERAL = ("text", "code", "arrow_data_frame", "multiselect", "selectbox", "json", "exception", "download_button")
"""Elements that show their text as it is, or that a person has typed it into."""


@pytest.fixture(scope="module")
def hostile(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of several kinds, each of a data set and with classes of hostile names."""
    root = tmp_path_factory.mktemp("hostile")
    for name in ("recorded", "maf", "standard", "latents-pictures", "broken-weights"):
        shutil.copytree(zoo / name, root / name)
        file = root / name / "config.json"
        config = json.loads(file.read_text())
        own = f"npz:/x/{EVIL.replace('/', chr(0x2215))}.npz"
        config["data"] |= {"name": f"latents:{EVIL}" if "latents" in name else own, "source": EVIL}
        config["data"]["class_names"] = [EVIL, f"{EVIL} too"]
        config |= {"command": EVIL, "commit": EVIL, "versions": {EVIL: EVIL}}
        file.write_text(json.dumps(config))
    ladder = root / "standard" / "ladder.json"
    ladder.write_text(json.dumps({**json.loads(ladder.read_text()), "digest": digest(root / "standard")}))
    shutil.copytree(root / "maf", root / EVIL.replace("/", ""))
    (root / "broken-weights" / "config.json").write_text(json.dumps({"schema_version": 1, EVIL: EVIL}))
    return root


CODE = re.compile(r"(?<!`)`[^`]+`(?!`)")
OWN_LINK = re.compile(r"\[[^\[\]]*(?:\[[^\[\]]*\])?\]\((?:reading)?#[a-z0-9-]+\)")
"""To a number in the guide: names and anchors are the program's own."""
"""Within it nothing has a meaning."""


OWN = (".html_content", ".css_content", ".js_content")
"""Files of this program, the same for everybody: a component's frame, look and code."""


def texts(message: Message, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in what is sent to the browser, with the names of the fields that lead to it."""
    for field, value in message.ListFields():
        where, several = f"{path}.{field.name}", value if field.is_repeated else [value]
        for one in several:
            if field.type == field.TYPE_MESSAGE and hasattr(one, "ListFields"):
                yield from texts(one, where)
            elif isinstance(one, str):
                yield where, one


def offending(kind: str, proto: Any) -> list[str]:
    """Texts of an element in which a hostile name would be obeyed."""
    if kind in LITERAL or not isinstance(proto, Message):
        return []
    found = []
    for where, text in texts(proto):
        if where.endswith(OWN):
            continue
        text = OWN_LINK.sub("", CODE.sub("", text))
        unescaped = text.replace("\\", "") if where.endswith(("config", "spec")) else text
        for sign in SIGNS:
            if sign in unescaped and not _escaped(text, sign):
                found.append(f"{kind}{where}: {text[:300]}")
    return found


def _escaped(text: str, sign: str) -> bool:
    """Whether a backslash stands before the mark that gives the sign its meaning, each time it occurs."""
    return all(text[max(at - 1, 0)] == "\\" for at in _places(text, sign))


def _places(text: str, sign: str) -> Iterator[int]:
    at = text.find(sign)
    while at >= 0:
        yield at
        at = text.find(sign, at + 1)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("models", ["recorded", "standard", "latents-pictures"])
def test_hostile_names_are_text(page: str, models: str, hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIORSCOPE_UPLOADS", str(hostile / ".uploads"))
    app = arriving(hostile, monkeypatch)(page, models=models, region="-9 9 -9 9", z1="0", z2="0", null="true")
    assert not app.exception
    found = [line for node in nodes(app._tree) for line in offending(node.type, getattr(node, "proto", None))]
    assert not found, "\n".join(found)


def test_the_search_can_find_something() -> None:
    from streamlit.proto.Markdown_pb2 import Markdown

    assert offending("markdown", Markdown(body=f"the data set {EVIL}"))
    assert not offending("markdown", Markdown(body=f"the data set {shown(EVIL, 300)}"))
    assert not offending("text", Markdown(body=EVIL)) and not is_plain(EVIL) and is_plain(shown(EVIL))


def test_the_name_of_an_upload_is_made_harmless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIORSCOPE_UPLOADS", str(tmp_path))
    kept = uploads.keep(f"../../{EVIL}.npz", npz(images=images()))
    assert is_plain(kept.title) and kept.path.is_relative_to(tmp_path)
