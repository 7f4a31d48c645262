"""Each dataset's card names what a user may choose."""

from mebench.config import registry
from mebench.core import Dataset


def test_cards_name_each_scheme():
    for id_ in registry.list_plugins("dataset"):
        plugin = registry.load_plugin("dataset", id_)
        assert issubclass(plugin, Dataset), id_
        card = (registry.find_plugin("dataset", id_).folder / "README.md").read_text(encoding="utf-8")
        chosen = [name for name in plugin.schemes if len(plugin.schemes) > 1 and name != "native"]
        assert [name for name in chosen if f"`{name}`" not in card] == [], id_
