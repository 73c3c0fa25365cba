"""What stands on the page Flow timing, read off an AppTest."""

from __future__ import annotations

import json
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

Open = Callable[..., AppTest]
FIRST, SECOND = "2026-11-24T04:10:00+00:00", "2026-11-25T09:00:00+00:00"
LABELS = ("2026-11-24 04:10:00 UTC", "2026-11-25 09:00:00 UTC")


def words(app: AppTest) -> str:
    kinds = ("markdown", "caption", "warning", "info", "error", "subheader", "header")
    return " ".join(element.value for kind in kinds for element in app.get(kind))


def charts(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def lines(app: AppTest, meta: str = "run") -> set[str]:
    return {trace["name"] for trace in charts(app)[0]["data"] if trace.get("meta") == meta}


def tables(app: AppTest) -> list[str]:
    return [table.value.to_csv() for table in app.dataframe]


def button(app: AppTest, label: str):
    (found,) = [button for button in app.button if button.label == label]
    return found


def open_form(app: AppTest) -> AppTest:
    """The settings stand in an expander that is filled when it is opened."""
    assert not [field for field in app.text_input if field.key == "flow-dims"], "a closed form is not sent"
    app.session_state["flow-form"] = True
    return app.run()
