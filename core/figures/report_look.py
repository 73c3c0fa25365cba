"""The look of a report, and the script that draws its figures: light or dark as the reader's system, light on paper."""

from __future__ import annotations

from core.figures import theme

_LIGHT = {"paper": theme.HEX_FFFFFF, "ink": theme.HEX_16202B}
_DARK = {"paper": theme.HEX_16202B, "ink": theme.HEX_E8EDF2}

PAPER, SHRUNK = 1020, 0.68
"""Width of a figure that is printed, in pixels of 1/96 inch, and how it is shrunk: figures are laid out for wide pages,
and 694 pixels fit between the margins of A4 and of Letter."""

STYLE = f"""
:root {{ color-scheme: light dark; --paper: {_LIGHT["paper"]}; --ink: {_LIGHT["ink"]}; --line: {theme.NEUTRAL}66 }}
@media (prefers-color-scheme: dark) {{ :root {{ --paper: {_DARK["paper"]}; --ink: {_DARK["ink"]} }} }}
@media print {{ :root {{ color-scheme: light; --paper: {_LIGHT["paper"]}; --ink: {_LIGHT["ink"]} }} }}
* {{ box-sizing: border-box }}
body {{ margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }}
main {{ max-width: 1120px; margin: 0 auto; padding: 24px 20px 60px }}
h1 {{ font-size: 30px; line-height: 1.2; margin: 12px 0 }}
h2 {{ font-size: 21px; margin: 36px 0 10px; break-after: avoid }}
p, ul {{ max-width: 76ch; margin: 8px 0; overflow-wrap: anywhere }}
a {{ color: inherit }}
.note, figcaption {{ font-size: 14px; opacity: .85; max-width: none }}
figcaption p {{ font-size: 16px; margin: 6px 0; max-width: none }}
figure {{ margin: 14px 0 26px; break-inside: avoid }}
.chart {{ width: 100%; overflow: hidden }}
.wide {{ overflow-x: auto }}
.warning {{ border: 2px solid {theme.PRIOR}; padding: 8px 12px }}
img {{ max-width: 100%; height: auto; image-rendering: pixelated }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px }}
th, td {{ text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top }}
code {{ font-size: 13px; overflow-wrap: anywhere }}
pre {{ border: 1px solid var(--line); padding: 8px 12px; white-space: pre-wrap; font-size: 13px }}
@media print {{ main {{ max-width: none; padding: 0 }} .wide {{ overflow: visible }}
  .chart {{ zoom: {SHRUNK} }} }}
"""

# Colours of text and lines are not in the figures, or stand for the look's own, so that one figure serves both looks.
# Before printing all figures are set to the light look and to the width of the paper; afterwards they go back.
LOADER = (
    """
"use strict";
(async () => {
  const say = (words) => document.querySelectorAll(".chart").forEach((at) => { at.textContent = words; });
  const unpack = async (id) => {
    const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };
  if (!("DecompressionStream" in window)) { say("This browser is too old to draw this figure."); return; }
  const library = document.createElement("script");
  library.textContent = await unpack("library");
  document.head.append(library);
  const written = await unpack("figures");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const template = (ink) => {
    const axis = { gridcolor: "LINE", linecolor: "LINE", zerolinecolor: "LINE", tickcolor: "LINE" };
    const font = { color: ink, family: "system-ui, sans-serif" };
    const hoverlabel = { font: { family: "system-ui, sans-serif" } };
    return { layout: { font, hoverlabel, xaxis: axis, yaxis: axis, paper_bgcolor: "CLEAR", plot_bgcolor: "CLEAR" } };
  };
  const ink = (paper) => (dark.matches && !paper ? "DARK" : "LIGHT");
  const inked = (paper) => JSON.parse(written.replaceAll('"TEXT"', JSON.stringify(ink(paper))));
  const draw = (paper) => Promise.all(inked(paper).map((figure, index) => {
    const at = document.getElementById("chart-" + (index + 1));
    const size = paper ? { width: PAPER } : { autosize: true };
    const layout = Object.assign({}, figure.layout, { template: template(ink(paper)) }, size);
    const tools = { responsive: true, displaylogo: false, toImageButtonOptions: { format: "svg", scale: 1 } };
    return Plotly.react(at, { data: figure.data, layout, config: tools, frames: figure.frames });
  }));
  document.documentElement.dataset.drawn = String((await draw(false)).length);
  dark.addEventListener("change", () => draw(false));
  addEventListener("beforeprint", () => draw(true));
  addEventListener("afterprint", () => draw(false));
})();
""".replace("LINE", theme.NEUTRAL)
    .replace("TEXT", theme.TEXT)
    .replace("PAPER", str(PAPER))
    .replace("CLEAR", theme.TRANSPARENT)
    .replace('"DARK"', f'"{_DARK["ink"]}"')
    .replace('"LIGHT"', f'"{_LIGHT["ink"]}"')
)
