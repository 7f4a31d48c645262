"""The plugins of `tests/plugins/`, given to runs as users give theirs."""

from __future__ import annotations

import shutil
from pathlib import Path

PLUGINS = Path(__file__).parent.parent / "plugins"
"""The folder for `--plugins`."""
SMALL = ("dataset.subjects=3", "dataset.videos=1", "dataset.frames=40", "dataset.size=96", "dataset.short_videos=true")
"""Words for three small drawn videos, of `synthetic` or of `blind`."""


def blind_words(tmp_path: Path) -> list[str]:
    """Words of `blind`, of which one subject shows no face, everything written inside the test's own folder."""
    return ["dataset=blind", *SMALL, f"plugins={PLUGINS}", f"runs={tmp_path / 'runs'}", f"cache={tmp_path / 'store'}"]


def copy_plugins(root: Path, *ids: str) -> Path:
    """Copy plugins into `methods/`, `datasets/` and `protocols/` of a folder, where a test may edit them; returns it."""
    for id_ in ids:
        protocol = PLUGINS / id_ / "protocol.py"
        if protocol.is_file():
            (root / "protocols").mkdir(parents=True, exist_ok=True)
            shutil.copyfile(protocol, root / "protocols" / f"{id_}.py")
            continue
        kind = "methods" if (PLUGINS / id_ / "method.py").is_file() else "datasets"
        shutil.copytree(PLUGINS / id_, root / kind / id_, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def copy_own_code(folder: Path, name: str) -> None:
    """Copy a module of `own_code`, as a user writes it beside the plugins, into a folder that a test puts on the path."""
    shutil.copyfile(PLUGINS / "own_code" / f"{name}.py", folder / f"{name}.py")
