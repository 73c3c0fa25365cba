"""What every page looks like beyond its theme: room for three panels beside each other, and a telephone."""

import streamlit as st

SMALL_COLUMNS = "small-columns"
"""Key of a container whose columns stay beside each other on a telephone, four in a row."""


def style() -> None:
    """Settle the margins, and let wide charts scroll within their own place where a screen is narrow.

    Figures are drawn for ``core.figures.theme.NARROWEST`` pixels. Squeezed into fewer their labels lie on one another,
    so there they keep that width and their place scrolls; a shadow lies on each side where there is more, in browsers
    that tie an animation to scrolling. The square panel on Home fits; its tool bar, which would cover the legend and is
    made for a mouse, gives way.
    """
    st.html(
        """<style>
        /* Streamlit leaves 80 pixels on both sides; three panels beside each other need them at 1280. */
        [data-testid=stMainBlockContainer] { padding-left: 2.5rem; padding-right: 2.5rem; }
        @keyframes more-aside {
            from { box-shadow: inset -18px 0 12px -12px #808080b0, inset 0 0 #8080; }
            4%, 96% { box-shadow: inset -18px 0 12px -12px #808080b0, inset 18px 0 12px -12px #808080b0; }
            to { box-shadow: inset 0 0 #8080, inset 18px 0 12px -12px #808080b0; }
        }
        @media (max-width: 640px) {
            @supports (animation-timeline: scroll(self inline)) {
                [data-testid=stElementContainer]:has(> [data-testid=stFullScreenFrame] .js-plotly-plot) {
                    animation: more-aside linear both;
                    animation-timeline: scroll(self inline);
                }
            }
            [data-testid=stMainBlockContainer] { padding-left: 1rem; padding-right: 1rem; }
            [data-testid=stElementContainer]:not([class*=st-key-hero])
            > [data-testid=stFullScreenFrame]:has(.js-plotly-plot) { min-width: 720px; }
            [class*=st-key-hero] .modebar { display: none; }
            .st-key-small-columns [data-testid=stColumn] { min-width: 22%; flex: 1 1 22%; }
            h1 { font-size: 2rem !important; }
            h2 { font-size: 1.5rem !important; }
            h3 { font-size: 1.25rem !important; }
        }
        </style>"""
    )
