"""The waterfall adds up, stands where its numbers are, and the sentences say what they can and no more."""

from __future__ import annotations

import numpy as np
import pytest

from core.figures import theme
from core.figures.surgery_words import residual_sentence, surgery_sentence
from core.figures.waterfall import elbo_waterfall


def metrics(**changes):
    """A model whose terms add up: −80 − 7 − 1.2 = −88.2, and log p(x) is at least −85.7."""
    known = {
        "reconstruction": (-80.0, 0.5), "mutual_information": (7.0, 0.1), "marginal_kl": (1.2, 0.05),
        "marginal_kl_null": (0.3, 0.02), "log_n": (9.21, 0.0), "elbo": (-88.2, 0.4), "nll": (85.7, 0.45),
        "average_kl": (8.2, 0.1), "identity_residual": (0.001, 0.007),
    }  # fmt: skip
    return {key: {"value": value, "se": se} for key, (value, se) in (known | changes).items()}


ROWS = [("a", metrics()), ("b", metrics(marginal_kl=(-0.1, 0.05), log_likelihood=(-85.5, 0.44), bound_gap=(2.7, 0.03)))]


def named(figure, name):
    (trace,) = [t for t in figure.data if t.name == name]
    return trace


def test_each_bar_starts_where_the_one_before_ends():
    figure = elbo_waterfall(ROWS)
    information, marginal, loose = (named(figure, name) for name in ("mutual information", "marginal KL", "looseness"))
    np.testing.assert_allclose(np.asarray(information.base, float), [-80, -80], rtol=1e-6)
    np.testing.assert_allclose(information.x, [-7, -7], rtol=1e-6)
    np.testing.assert_allclose(np.asarray(marginal.base, float), [-87, -87], rtol=1e-6)
    np.testing.assert_allclose(marginal.x, [-1.2, 0.1], rtol=1e-5)  # a negative marginal KL goes the other way
    np.testing.assert_allclose(np.asarray(loose.base, float), named(figure, "ELBO").x)
    np.testing.assert_allclose(loose.x, [2.5, 2.7], rtol=1e-5)
    np.testing.assert_allclose(marginal.error_x.array, 1.96 * 0.05, rtol=1e-6)
    np.testing.assert_allclose(named(figure, "importance-weighted log p(x)").x, [-85.7, -85.7], rtol=1e-6)
    np.testing.assert_allclose(named(figure, "exact log p(x)").x, [-85.5], rtol=1e-6)


def test_ceiling_and_null_are_measured_from_the_right_ends():
    figure = elbo_waterfall(ROWS)
    box, null = named(figure, "ceiling of the information, log n"), named(figure, "a perfect prior's marginal KL")
    np.testing.assert_allclose(np.asarray(box.base, float) + box.x, [-89.21] * 2, rtol=1e-6)
    assert box.marker.color == theme.TRANSPARENT
    np.testing.assert_allclose(null.x, [-87.3] * 2, rtol=1e-6)
    np.testing.assert_allclose(null.y, named(figure, "marginal KL").y)
    assert "exact log p(x)" not in [t.name for t in elbo_waterfall(ROWS[:1]).data]


def test_numbers_stand_beside_their_bars_and_inside_the_range():
    figure = elbo_waterfall(ROWS)
    left, right = named(figure, "numbers left"), named(figure, "numbers right")
    words = [word.strip() for word in left.text]
    assert words[:5] == ["reconstruction −80.00 ± 0.50", "7.00 ± 0.10", "1.20 ± 0.05", "−88.20 ± 0.40", "≥ 2.50"]
    assert words[7] == "−0.10 ± 0.05"
    assert words[9] == "2.70 ± 0.03"
    assert [word.strip() for word in right.text] == ["log p(x) ≥ −85.70 ± 0.45", "log p(x) = −85.50 ± 0.44"]
    assert left.x[1] == pytest.approx(-89.21)  # clear of the box
    assert left.x[2] <= -88.2 - 1.96 * 0.05 + 1e-4  # clear of the whisker
    low, high = figure.layout.xaxis.range
    pixel = (high - low) / 500
    assert all(x - 6 * pixel * len(word) > low for x, word in zip(left.x, left.text, strict=True))
    assert all(x + 6 * pixel * len(word) < high for x, word in zip(right.x, right.text, strict=True))


def test_five_lines_a_model_first_on_top():
    figure = elbo_waterfall(ROWS)
    ticks = list(figure.layout.yaxis.ticktext)
    assert len(ticks) == 10
    assert (ticks[0], ticks[5]) == ("<b>a</b>", "<b>b</b>")
    low, high = figure.layout.yaxis.range
    assert low > max(figure.layout.yaxis.tickvals) > min(figure.layout.yaxis.tickvals) > high
    seven = elbo_waterfall([(str(k), metrics()) for k in range(7)])
    assert seven.layout.height / 35 > 20  # pixels of a line
    assert figure.layout.paper_bgcolor == theme.TRANSPARENT


def test_wrong_rows_are_refused():
    with pytest.raises(ValueError, match="one or more"):
        elbo_waterfall([])
    with pytest.raises(ValueError, match="each name once"):
        elbo_waterfall([ROWS[0], ROWS[0]])
    with pytest.raises(ValueError, match=r"'a' lack 'nll'.*evaluate"):
        elbo_waterfall([("a", {key: value for key, value in metrics().items() if key != "nll"})])


def test_the_whole_sentence():
    assert surgery_sentence("a", metrics()) == (
        "a: ELBO = −88.20 ± 0.40 nats per image. Of the KL of 8.20 ± 0.10 nats, 85 % is information about the image "
        "(7.00 ± 0.10 nats). A better prior for this encoder could win back 0.900 ± 0.054 nats (marginal KL "
        "1.20 ± 0.05, of which a perfect prior would still have 0.30 ± 0.02). The bound lies 2.50 nats or more under "
        "log p(x), which is −85.70 ± 0.45 or more (importance)."
    )


def test_a_measured_looseness_has_its_paired_error():
    sampled = surgery_sentence("a", metrics(importance_gain=(2.5, 0.03)) | {"samples": 1000})
    assert sampled.endswith(
        "2.50 ± 0.03 nats or more under log p(x), which is −85.70 ± 0.45 or more (importance, S = 1,000)."
    )
    exact = metrics(log_likelihood=(-85.5, 0.44), bound_gap=(2.7, 0.05), quadrature_error=(0.0004, 0.0))
    assert surgery_sentence("a", exact).endswith(
        "2.70 ± 0.05 nats under log p(x) = −85.50 ± 0.44, integrated over the plane to 0.0004 nats."
    )


def test_where_the_information_is_cut_off_nothing_is_claimed_of_the_marginal_kl():
    capped = {
        key: value for key, value in metrics(mutual_information=(9.2, 0.001)).items() if key != "marginal_kl_null"
    }
    sentence = surgery_sentence("a", capped)
    assert "at least 9.200 ± 0.001 is information" in sentence and "cannot be told from these images" in sentence
    assert len(elbo_waterfall([("a", capped)]).data) == len(elbo_waterfall([("a", metrics())]).data) - 1


def test_sentences_claim_nothing_within_noise():
    assert "nothing to win back" in surgery_sentence("a", metrics(marginal_kl=(0.38, 0.05)))
    assert "could win back" in surgery_sentence("a", metrics(marginal_kl=(0.42, 0.05)))
    assert "carry nothing" in surgery_sentence("a", metrics(average_kl=(0.01, 0.02)))
    exact = surgery_sentence("a", metrics(log_likelihood=(-85.5, 0.44)))
    assert exact.endswith("The bound lies 2.70 nats under log p(x) = −85.50 ± 0.44, integrated over the plane.")


@pytest.mark.parametrize(("value", "fine"), [(0.001, True), (-0.0209, True), (0.0211, False), (-0.03, False)])
def test_the_residual_is_judged_by_three_standard_errors(value, fine):
    words = residual_sentence(metrics(identity_residual=(value, 0.007)))
    assert words.startswith(
        f"average KL − information − marginal KL = {'−' if value < 0 else ''}{abs(value):.3f} ± 0.007"
    )
    assert ("zero within 3 standard errors" in words) == fine
    assert ("Do not trust" in words) != fine
