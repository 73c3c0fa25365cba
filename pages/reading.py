"""How is each number read? The guide of the documentation, so that pages can link to a number's own section."""

import streamlit as st

from pages._ui import drawn, layout, reading

st.title("How are the numbers read?")
drawn.about([])
try:
    guide = reading.guide()
except ValueError as error:
    st.error(str(error))
    layout.end()
st.markdown(guide.above)
st.markdown(" · ".join(f"[{number.name}](#{number.anchor})" for number in guide.numbers))
for number in guide.numbers:
    st.header(number.name, anchor=number.anchor)
    st.markdown(f"**What it is**: {number.what}  \n**If there were no difference**: {number.null}  \n"
                f"**What fools it**: {number.fooled}")  # fmt: skip
st.header("Differences between models", anchor=reading.DIFFERENCES)
st.markdown(guide.below)
