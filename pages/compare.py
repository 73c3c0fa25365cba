"""What does another prior change? Models side by side: in numbers, in latent space, in pictures."""

import streamlit as st

from pages._ui import charts, compare, compare_latent, compare_pictures, layout, reading

st.title("What does another prior change?")
st.markdown(
    "Models of the same images side by side. Every model sees the same test images, so differences are taken image by "
    "image: they are known far better than the values, and **bold** ones are more than two standard errors from zero."
)
models = compare.models(layout.require_models())
compare.numbers(models)

charts.heading("Where do they put the same images?")
chosen = compare_latent.show(models)

charts.heading("What do they make of the same noise?")
compare_pictures.generated(models, chosen.seed)

charts.heading("How do they give the same images back?")
compare_pictures.reconstructed(models, chosen)

charts.heading("Do they agree on who is near to whom?")
compare_latent.neighbours(models, chosen.seed)

with st.expander("How is this computed?"):
    st.latex(
        r"\Delta = \frac1n\sum_{i=1}^n \big(m_A(x_i) - m_B(x_i)\big), \qquad "
        r"\mathrm{se}(\Delta) = \frac{\mathrm{sd}_i\big(m_A(x_i) - m_B(x_i)\big)}{\sqrt n}"
    )
    st.markdown(
        "$m(x_i)$ is what image $i$ gives to a measure: to the ELBO its own bound, to the information the mean of "
        "$\\log q(z|x_i) - \\log q(z)$ over draws of $q(z|x_i)$, to the marginal KL that of $\\log q(z) - \\log p(z)$. "
        "The difficulty of the image cancels in the difference. Two models that are one have $\\Delta = 0$. The error "
        "is over the test images: what another training seed would change is not in it."
    )
    st.latex(
        r"\Delta\,\mathrm{ELBO} = \Delta\,\mathrm{reconstruction} - \Delta\,\mathrm I_q[x,z] "
        r"- \Delta\,\mathrm{KL}(q(z)\,\|\,p(z))"
    )
    st.markdown(
        "The axes of separately trained models are arbitrary: positions cannot be compared between panels, shapes, "
        "sizes and numbers can. Neighbours can, too: an image's ten nearest others in one latent space are or are not "
        "those in another, whichever way the axes are turned."
    )
    reading.link("elbo", "nll", "holes", "leaks", "classifier", "shared-neighbours", reading.DIFFERENCES)
