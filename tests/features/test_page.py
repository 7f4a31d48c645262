"""The page for users says what there is."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

import mebench.features
from mebench.core import Step
from mebench.features import FaceParams, FlowVolume, ImageStep, MapStep, VolumeStep
from mebench.features.base import SequenceStep

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "features.md"


@pytest.fixture(scope="module")
def page():
    if not PAGE.is_file():
        pytest.skip("the tests run without the checkout's docs")
    return PAGE.read_text()


def test_features_page_names_every_step(page):
    public = [getattr(mebench.features, name) for name in mebench.features.__all__]
    steps = {c.__name__ for c in public if isinstance(c, type) and issubclass(c, Step)}
    table = page.partition("## The steps")[2].partition("\n## ")[0].partition("|---|")[2].partition("\n\n")[0]
    contracts = {c.__name__ for c in (FlowVolume, ImageStep, MapStep, SequenceStep, VolumeStep)}
    assert set(re.findall(r"`([A-Z]\w+)`", table)) == steps - contracts
    assert all(f"`{contract}`" in page for contract in contracts)


def test_features_page_tells_every_face_option(page):
    for option in fields(FaceParams):
        assert f"| `method.{option.name}` | `{str(option.default).lower()}` |" in page
