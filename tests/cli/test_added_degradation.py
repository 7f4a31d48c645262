"""A kind that is added as CONTRIBUTING says is in help, commands, checks and the page, without another edit."""

import contextlib
import io
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mebench.cli import predictions
from mebench.features import degradation
from mebench.features.degradation import KINDS, Degradation, Kind, relation_names
from mebench.features.degraded_dataset import DegradedDataset
from tests.plugins.lab.dataset import Film, Lab
from tests.plugins.lab.params import Params

ROOT = Path(__file__).parents[2]


@pytest.fixture
def kinds():
    """The registry, which is afterwards as before, in its order."""
    before = dict(KINDS)
    yield KINDS
    KINDS.clear()
    KINDS.update(before)


@pytest.fixture
def gamma(kinds):
    """The kind that CONTRIBUTING writes out, among the others."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(def _gamma.*?)^```", text, re.MULTILINE | re.DOTALL)
    names = dict(vars(degradation))
    exec(code.replace("    ...,\n", ""), names)
    kinds["gamma"] = names["KINDS"]["gamma"]
    return kinds["gamma"]


def test_degrade_takes_an_added_kind(gamma):
    lab = Lab(Params())
    degraded = DegradedDataset(lab, Degradation.from_text("gamma:3"))
    frame, clean = degraded.frames(lab.videos()[0])[4], Film(3)[4]
    assert frame.mean() < clean.mean()


def test_degrade_help_lists_an_added_kind(gamma):
    shown = CliRunner().invoke(predictions.degrade_app, ["--help"], env={"COLUMNS": "79"}).output
    words = shown.replace(",", " ").replace(";", " ").split()
    assert [name for name in KINDS if name not in words] == []
    assert "gamma" in words


def test_check_counts_an_added_relation(mebench, kinds):
    for name in relation_names():
        del kinds[name]
    turned = Kind(
        (1.0,) * 5, lambda video, index, level: video.clean[index][::-1], "upside down", "", answer="the same"
    )
    kinds["turned"] = turned
    code, out, _ = mebench("check", "majority", "--relations", "--json", "-")

    assert code == 0
    assert list(json.loads(out)["relations"]) == ["turned"]


@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs the checkout: docs/ is no part of the sdist")
def test_page_lists_an_added_kind(gamma):
    from docs.blocks import blocks

    (table,) = (
        block for block in blocks(ROOT / "docs" / "how_to" / "degraded.md") if "degradation_names" in block.code
    )
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(table.code, {})
    assert (
        "| gamma | dark parts become darker | 1.2, 1.5, 2, 3, 4 | exponent of gray values | yes |" in printed.getvalue()
    )
