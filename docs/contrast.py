"""Contrast between the colours of texts and of what lies behind them, in each scheme of the site, from its stylesheets."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterable

LEAST = 4.5
"""Asked for by level AA of the Web Content Accessibility Guidelines 2.2 (1.4.3)."""
SCHEMES = ("default", "slate")
PAGE, CODE, BAR = "--md-default-bg-color", "--md-code-bg-color", "--md-primary-fg-color"
TEXTS = {
    "--md-typeset-color": (PAGE,),
    "--md-typeset-a-color": (PAGE, CODE),
    "--md-accent-fg-color": (PAGE, CODE),
    "--md-default-fg-color--light": (PAGE,),
    "--md-primary-bg-color": (BAR,),
    "--md-code-fg-color": (PAGE, CODE),
    **{
        f"--md-code-hl-{kind}-color": (CODE,)
        for kind in (
            "comment",
            "constant",
            "function",
            "generic",
            "keyword",
            "name",
            "number",
            "operator",
            "punctuation",
            "special",
            "string",
            "variable",
        )
    },
}
"""Text, links, links under the pointer, small print, the bar above, and code: on which grounds each stands."""
LINK, WORDS = "--md-typeset-a-color", "--md-typeset-color"
RULE = re.compile(r"([^{}]*)\{([^{}]*)\}")
VALUE = re.compile(r"(--md-[\w-]+):\s*([^;]+)")
ASKED = re.compile(r"\[data-md-color-(\w+)=\"?([\w-]+)\"?\]")
Colour = tuple[float, float, float, float]


def low_contrasts(stylesheets: Iterable[str]) -> list[str]:
    """Sentences on the texts with too little contrast.

    >>> sheet = "[data-md-color-scheme=default] {--md-typeset-a-color: #009485; --md-default-bg-color: #fff}"
    >>> low_contrasts([sheet])
    ['--md-typeset-a-color on --md-default-bg-color has a contrast of 3.77 in the scheme default, less than 4.5']
    """
    sheets = list(stylesheets)
    found = []
    for scheme in SCHEMES:
        values = _values_of_scheme(sheets, scheme)
        for text, grounds in TEXTS.items():
            for ground in grounds:
                if text not in values or ground not in values:
                    continue
                ratio = contrast(_colour(values[text], values), _colour(values[ground], values))
                if ratio < LEAST:
                    found.append(
                        f"{text} on {ground} has a contrast of {ratio:.2f} in the scheme {scheme}, less than {LEAST}"
                    )
    return found


BESIDE_TEXT = 3.0
"""Asked for between links and the words around them, unless links differ by more than colour (technique G183)."""


def indistinct_links(stylesheets: Iterable[str]) -> list[str]:
    """Sentences on schemes in which links look like the words around them.

    >>> sheet = "[data-md-color-scheme=default] {--md-typeset-a-color: #333; --md-typeset-color: #000; --md-default-bg-color: #fff}"
    >>> indistinct_links([sheet])
    ['links differ from words by 1.66 in the scheme default, less than 3.0, and are not underlined']
    >>> indistinct_links([sheet, ".md-typeset p > a:not(.md-button) {text-decoration: underline}"])
    []
    """
    sheets = list(stylesheets)
    if any(
        _underlines_links(selectors, declarations)
        for sheet in sheets
        for selectors, declarations in RULE.findall(sheet)
    ):
        return []
    found = []
    for scheme in SCHEMES:
        values = _values_of_scheme(sheets, scheme)
        if not {LINK, WORDS, PAGE} <= set(values):
            continue
        link, words, page = (_colour(values[name], values) for name in (LINK, WORDS, PAGE))
        ratio = contrast(_on_ground(link, page), _on_ground(words, page))
        if ratio < BESIDE_TEXT:
            found.append(
                f"links differ from words by {ratio:.2f} in the scheme {scheme}, less than {BESIDE_TEXT}, and are not underlined"
            )
    return found


def _underlines_links(selectors: str, declarations: str) -> bool:
    """Whether a rule underlines the links of paragraphs."""
    return ".md-typeset" in selectors and "> a" in selectors and "text-decoration: underline" in declarations


def _on_ground(colour: Colour, ground: Colour) -> Colour:
    """A colour as it is seen on an opaque ground."""
    red, green, blue = (
        colour[3] * above + (1 - colour[3]) * below for above, below in zip(colour[:3], ground[:3], strict=True)
    )
    return red, green, blue, 1.0


def contrast(text: Colour, ground: Colour) -> float:
    """The ratio of luminances, 1 to 21; a text that is not opaque mixes with its ground.

    >>> contrast((0, 0, 0, 1), (1, 1, 1, 1))
    21.0
    """
    opacity = text[3]
    seen = [opacity * above + (1 - opacity) * below for above, below in zip(text[:3], ground[:3], strict=True)]
    darker, lighter = sorted((_luminance(seen), _luminance(ground[:3])))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(channels: Iterable[float]) -> float:
    """The relative luminance of a colour (WCAG 2.1)."""
    weights = (0.2126, 0.7152, 0.0722)
    return sum(weight * _linear(value) for weight, value in zip(weights, channels, strict=True))


def _linear(value: float) -> float:
    """A channel of sRGB, 0 to 1, without its gamma."""
    if value <= 0.03928:
        return value / 12.92
    return float(((value + 0.055) / 1.055) ** 2.4)


def _values_of_scheme(sheets: list[str], scheme: str) -> dict[str, str]:
    """The values that hold in a scheme: of rules for all pages and for what it is, the last and most exact one."""
    chosen = {"scheme": scheme, "primary": "teal", "accent": "teal"}
    values: dict[str, tuple[int, str]] = {}
    for sheet in sheets:
        for selectors, declarations in RULE.findall(re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)):
            exactness = max((_exactness(each, chosen) for each in selectors.split(",")), default=-1)
            if exactness < 0:
                continue
            for name, value in VALUE.findall(declarations):
                if exactness >= values.get(name, (0, ""))[0]:
                    values[name] = (exactness, value.strip())
    return {name: value for name, (_, value) in values.items()}


def _exactness(selector: str, chosen: dict[str, str]) -> int:
    """How many conditions of a selector hold; -1 if one does not, or it is of a part of the page."""
    asked = ASKED.findall(selector)
    holds = all(chosen.get(what) == value for what, value in asked)
    whole_page = ASKED.sub("", selector).strip() in ("", ":root")
    return len(asked) if holds and whole_page else -1


def _colour(text: str, values: dict[str, str]) -> Colour:
    """Red, green, blue and opacity, each from 0 to 1.

    >>> _colour("hsla(var(--md-hue), 0%, 100%, 0.5)", {"--md-hue": "225deg"})
    (1.0, 1.0, 1.0, 0.5)
    """
    while named := re.search(r"var\((--md-[\w-]+)\)", text):
        text = text.replace(named[0], values[named[1]])
    if text.startswith("#"):
        digits = text[1:] if len(text) > 5 else "".join(2 * digit for digit in text[1:])
        red, green, blue, opacity = (int(digits.ljust(8, "f")[at : at + 2], 16) / 255 for at in (0, 2, 4, 6))
        return red, green, blue, opacity
    hue, saturation, lightness, opacity = [float(number) for number in re.findall(r"[\d.]+", text)]
    red, green, blue = colorsys.hls_to_rgb(hue / 360, lightness / 100, saturation / 100)
    return red, green, blue, opacity
