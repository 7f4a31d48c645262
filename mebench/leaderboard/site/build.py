"""Writes the site: every page and what they need, as one folder that can be published as it is."""

from __future__ import annotations

import base64
import importlib.util
import json
import shutil
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from mebench.errors import ConfigError
from mebench.leaderboard.latex import latex
from mebench.leaderboard.published_row import Published
from mebench.leaderboard.record import Record
from mebench.leaderboard.rows import Table
from mebench.leaderboard.site.pages import Site
from mebench.leaderboard.write import as_csv
from mebench.runner.folder import safe_name

STATIC = Path(__file__).parent / "static"
MARK = "mebench leaderboard build"


def write_site(
    tables: Sequence[Table], records: Sequence[Record], published: Sequence[Published], folder: Path
) -> tuple[int, int]:
    """Write the site into `folder`, replacing the one that is there as a whole; number of files and bytes.

    Raises:
        ConfigError: the folder holds something else.
    """
    if folder.exists() and any(folder.iterdir()) and not _ours(folder):
        raise ConfigError(f"{folder} holds files that are no site of mebench: move them away, or name another --out")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".site-", dir=folder.parent))
    try:
        temporary.chmod(0o755)
        for name, text in Site(tables, records, published).pages():
            _write(temporary / name, text)
        for table in tables:
            place = temporary / "tables" / safe_name(table.name)
            _write(Path(f"{place}.csv"), as_csv(table))
            _write(Path(f"{place}.json"), json.dumps(table.plain(), ensure_ascii=False, allow_nan=False) + "\n")
            _write(Path(f"{place}.tex"), latex(table))
        _write_assets(temporary / "assets")
        files = [file for file in temporary.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return len(files), size


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())


def _write_assets(folder: Path) -> None:
    for file in sorted(STATIC.iterdir()):
        _write(folder / file.name, file.read_text(encoding="utf-8"))
    script, style = library()
    # The library is a module, which a page opened from a folder may not load: it goes in as packed text, see site.js.
    packed = base64.b64encode(zlib.compress(script.encode(), 9)).decode()
    _write(folder / "datatables.js", f'window.tableLibrary = "{packed}";\n')
    _write(folder / "datatables.css", style)


def library() -> tuple[str, str]:
    """Script and style of DataTables as the package `itables` ships them.

    Raises:
        ConfigError: the package is not installed.
    """
    spec = importlib.util.find_spec("itables")  # found, not imported: only its files are needed
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("the package itables, which ships the site's table library, is missing: pip install itables")
    html = Path(next(iter(spec.submodule_search_locations))) / "html"
    return (html / "dt_bundle.js").read_text(encoding="utf-8"), (html / "dt_bundle.css").read_text(encoding="utf-8")


def _ours(folder: Path) -> bool:
    index = folder / "index.html"
    return index.is_file() and MARK in index.read_text(encoding="utf-8", errors="replace")[:2000]
