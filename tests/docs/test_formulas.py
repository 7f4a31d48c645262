"""Every formula of the pages becomes MathML without a command that is left."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "docs" / "formulas.py"
IN_TEXT = re.compile(r"(?<![\\$\w])\$(?!\s)([^$\n]+?)(?<!\s)\$(?![\w$])")
ALONE = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]", re.DOTALL)
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
PAGES = sorted((ROOT / "docs").rglob("*.md"))


@pytest.fixture(scope="module")
def mathml_of():
    pytest.importorskip("latex2mathml", reason="needs latex2mathml (in the extra test)")
    if not PROGRAM.is_file():
        pytest.skip("needs the checkout: docs/ is no part of the sdist")
    spec = importlib.util.spec_from_file_location("formulas", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.mathml_of


def formulas_of(page):
    """The formulas of a page that stand alone, and those in its text."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    alone = ["".join(filter(None, found)) for found in ALONE.findall(text)]
    return [*alone, *IN_TEXT.findall(ALONE.sub("", text))]


def test_formulas_of_pages_are_converted_whole(mathml_of):
    for page in PAGES:
        for formula in formulas_of(page):
            assert mathml_of(formula.strip()).startswith("<math"), (page.name, formula)


def test_formulas_refuse_unknown_commands(mathml_of):
    with pytest.raises(ValueError, match=r"\\arg in the formula .* is unknown to latex2mathml"):
        mathml_of(r"\arg\max_T x")
