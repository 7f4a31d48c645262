"""The pages of all settings and of the options of verbs follow from the code."""

import importlib.util
from pathlib import Path

import pytest

from mebench.config.setting_descriptions import setting_descriptions

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


@pytest.fixture
def setting_tables():
    if not REFERENCE.is_dir():
        pytest.skip("needs the checkout: docs/ is no part of the sdist")
    spec = importlib.util.spec_from_file_location("setting_tables", ROOT / "docs" / "setting_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "options.md"])
def test_pages_have_tables_of_code(setting_tables, name):
    page = (REFERENCE / name).read_text(encoding="utf-8")
    assert setting_tables.page_with_tables(name, page) == page, "run: python docs/setting_tables.py"


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="needs the checkout: docs/ is no part of the sdist")
def test_settings_page_lists_every_setting():
    page = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    missing = [key for key in setting_descriptions() if f"| `{key}` |" not in page]
    assert missing == []


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="needs the checkout: docs/ is no part of the sdist")
def test_options_page_lists_verbs_of_tuning_and_leaderboards():
    page = (REFERENCE / "options.md").read_text(encoding="utf-8")
    assert "### `mebench tune`" in page
    assert "| `--sender` |" in page
