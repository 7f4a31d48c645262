"""The page of all settings follows from the code."""

import importlib.util
from pathlib import Path

import pytest

from mebench.config.setting_descriptions import setting_descriptions

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "settings.md"


@pytest.fixture
def setting_tables():
    if not PAGE.is_file():
        pytest.skip("needs the checkout: docs/ is no part of the sdist")
    spec = importlib.util.spec_from_file_location("setting_tables", ROOT / "docs" / "setting_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_settings_page_has_tables_of_code(setting_tables):
    page = PAGE.read_text(encoding="utf-8")
    assert setting_tables.page_with_tables(page) == page, "run: python docs/setting_tables.py"
    for key in setting_descriptions():
        assert f"| `{key}` |" in page
