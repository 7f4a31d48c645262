"""Texts of the site can be read on what lies behind them; the build checks the same with the stylesheets of the theme."""

from pathlib import Path

import pytest
from PIL import ImageColor

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="needs the checkout: docs/ is no part of the sdist")

if DOCS.is_dir():
    from docs.contrast import contrast, indistinct_links, low_contrasts

GROUNDS = """
:root, [data-md-color-scheme=default] {--md-hue: 225deg; --md-default-bg-color: #fff; --md-code-bg-color: #f5f5f5}
[data-md-color-primary=teal] {--md-primary-bg-color: #fff}
[data-md-color-scheme=slate] {--md-default-bg-color: hsla(var(--md-hue), 15%, 14%, 1);
  --md-code-bg-color: hsla(var(--md-hue), 15%, 18%, 1)}
"""
"""Those of the theme."""


def opaque(name):
    return (*(value / 255 for value in ImageColor.getrgb(name)), 1.0)


@pytest.mark.parametrize(
    ("text", "ratio"), [("#767676", 4.54), ("#777777", 4.48), ("#0000ff", 8.59), ("#ff0000", 4.0), ("#ffffff", 1.0)]
)
def test_contrast_is_that_of_wcag_checkers(text, ratio):
    assert contrast(opaque(text), opaque("white")) == pytest.approx(ratio, abs=0.005)


def test_contrast_mixes_transparent_texts():
    assert contrast((0, 0, 0, 0.54), opaque("white")) == pytest.approx(
        contrast(opaque("#757575"), opaque("white")), 0.01
    )


def test_low_contrasts_name_scheme_and_colours():
    unseen = "[data-md-color-scheme=slate] {--md-typeset-a-color: var(--md-default-bg-color)}"
    on_page, on_code = low_contrasts([GROUNDS, unseen])
    assert on_page == (
        "--md-typeset-a-color on --md-default-bg-color has a contrast of 1.00 in the scheme slate, less than 4.5"
    )
    assert on_code.startswith("--md-typeset-a-color on --md-code-bg-color ")


def test_low_contrasts_finds_none_in_own_style():
    assert low_contrasts([GROUNDS, (DOCS / "style.css").read_text("utf-8")]) == []


def test_indistinct_links_wants_more_than_a_colour():
    """The colours of the theme at night, without and with the rule of the site."""
    night = """[data-md-color-scheme=slate] {--md-default-fg-color: hsla(var(--md-hue), 15%, 90%, 0.82);
      --md-typeset-color: var(--md-default-fg-color); --md-typeset-a-color: #00bfa5}"""
    (found,) = indistinct_links([GROUNDS, night])
    assert "in the scheme slate, less than 3.0, and are not underlined" in found
    assert indistinct_links([GROUNDS, night, (DOCS / "style.css").read_text("utf-8")]) == []
