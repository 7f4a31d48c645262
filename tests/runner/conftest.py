"""A method that answers from its seed alone and can get into trouble, and plugins with leaks planted in them."""

from __future__ import annotations

import pytest

from tests.helpers.plugin_folders import PLUGINS, copy_plugins


@pytest.fixture
def moody(own_folder, tmp_path):
    """Makes words: `moody` on `toy`, copied into the test's own folder, where everything is written."""
    root = copy_plugins(tmp_path / "mine", "moody", "toy", "drifter")

    def words(*more):
        places = [f"plugins={root}", f"runs={tmp_path / 'runs'}", f"cache={tmp_path / 'cache'}", "bootstrap=20"]
        return ["method=moody", "dataset=toy", *places, "sandbox=off", *more]  # it talks with tests through files

    return words


@pytest.fixture
def planted(own_folder, tmp_path):
    """Makes words: `elephant` on `herd`."""

    def words(*more):
        places = [f"plugins={PLUGINS}", f"runs={tmp_path / 'runs'}", f"cache={tmp_path / 'cache'}", "bootstrap=0"]
        return ["method=elephant", "dataset=herd", *places, *more]

    return words
