"""Methods, datasets, protocols and results as data frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench._installation import shipped_folder
from mebench.api.run_results import Names, list_paths, runs_folder
from mebench.core import Kind, Task
from mebench.errors import RunError, check_known
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.output.progress import Progress, Silent

with lazy_imports():
    from mebench.api import boards as board_files
    from mebench.config import registry, sections, sources, spellings, typed_values
    from mebench.metrics import catalogue

if TYPE_CHECKING:
    import pandas as pd

    from mebench.boards import board as whole_board
    from mebench.boards.rows import BoardTable
    from mebench.config.registry import PluginKind
else:
    pd = load_lazily("pandas")
    whole_board = load_lazily("mebench.boards.board")


def listed(kind: PluginKind, plugins: Names = ()) -> pd.DataFrame:
    """All plugins of a kind by id: `title`, `tasks`, `summary`, `paper`, `folder`, and the reason if it is `broken`.

    Args:
        kind: `method` or `dataset`.
        plugins: folders with more of them.
    """
    registry.add_paths([*sources.more_plugins(), *list_paths(plugins)])
    rows = {
        plugin.id: {
            "title": plugin.title,
            "tasks": ", ".join(plugin.tasks),
            "summary": plugin.summary,
            "paper": str(plugin.config.get("paper") or ""),
            "folder": str(plugin.folder),
            "broken": plugin.broken or "",
        }
        for plugin in registry.list_plugins(kind).values()
    }
    columns = ["title", "tasks", "summary", "paper", "folder", "broken"]
    return pd.DataFrame.from_dict(rows, "index", columns=columns).rename_axis(kind)


def built(
    kind: PluginKind,
    name: str,
    classes: Sequence[str] = (),
    kinds: Sequence[Kind] = ("micro",),
    plugins: Names = (),
    seed: int = 0,
    **params: Any,
) -> Any:
    """A plugin as an object: a dataset with its parameters, or an unfitted method, whose initial weights follow torch's
    seed.

    Args:
        kind: `method` or `dataset`.
        name: name of the plugin.
        classes: emotion classes of a method; empty for one that only spots.
        kinds: spotted kinds of a method.
        plugins: folders with more of them.
        seed: seed of a method's random draws.
        params: parameters of the plugin, as after `method.` in a setting.

    Raises:
        ConfigError: a parameter is unknown or wrong.
        PluginError: there is no such plugin, or it is broken.
    """
    registry.add_paths([*sources.more_plugins(), *list_paths(plugins)])
    info = registry.find_plugin(kind, name)
    part = sections.PluginSection(f"{kind}.", registry.params_class(info), "default", info)
    raw = {f"{kind}.{key}": (value, "argument") for key, value in params.items()}
    given = part.instance(typed_values.type_values(raw, part.types()), dict.fromkeys(raw, "argument"))
    plugin: Any = registry.plugin_class(info)
    if kind == "dataset":
        return plugin(given)
    tasks = plugin.tasks & ({"spot", "recognize"} if classes else {"spot"})
    return plugin(given, Task(tasks, _as_tuple(kinds), _as_tuple(classes)), seed)


def _as_tuple(names: Any) -> tuple[Any, ...]:
    """A name, or several."""
    return (names,) if isinstance(names, str) else tuple(names)


def leaderboard(
    task: str | None = None,
    dataset: str | None = None,
    protocol: str | None = None,
    *,
    runs: str = "",
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """The leaderboard of all finished runs and records, with published results marked: one row for each line of its
    tables.

    Columns: `task`, `dataset`, `protocol`, `variant` and `part` name the table, `board` its
    named board if it has one; `method`, `settings`, `member`,
    `provenance` (`measured`, `chance`, `published`, `scored anew`), `seeds`, `n`, `group` (rows that share a group are
    not distinguishable), `source` the line; then each score of any table, where measured with `_low` and `_high`. Only
    rows of one table may be compared.

    Args:
        task: `spotting`, `analysis` or `recognition`, or the name of a board, such as `megc2019`, or of a dataset; all if left out.
        dataset: id of a dataset, those of a composite joined by `+`.
        protocol: its name.
        runs: folder of the runs; that of the user's file, or `runs`, if left out.
        folder: folder of records and published results; by default `leaderboards` here, in the checkout, or in the installed
            package.
        progress: shows what is left out; silent by default.

    Raises:
        ConfigError: there is no such task or board.
        RunError: there are no results.
    """
    place = leaderboards_folder(folder)
    board = _title_of_board(task, place)
    if task is not None and board is None and task not in catalogue.SECTIONS:
        spelled = registry.id_of_spelling("dataset", task)
        if dataset is None and registry.known_plugin("dataset", spelled) is not None:
            task, dataset = None, spelled
    if task is not None and board is None:
        boards = [board.id for board in board_files.named_boards_of(place)]
        check_known("task or board", task, [*catalogue.SECTIONS, *boards])
    reporter = progress or Silent()
    home = Path(runs_folder(runs)).expanduser()
    tracker = sources.user_setting("tracking", "") or None
    reporter.notify(*board_files.remarks_on_database(tracker, home, place))
    tables = board_files.read_board(home, place, reporter.notify).render(whole_board.Board.make_tables, reporter.notify)
    rows = pd.DataFrame([line for table in tables for line in _lines(table)])
    if rows.empty:
        raise RunError(
            f"{runs_folder(runs)} has no finished run and {place / board_files.RECORDS} no record to show, and "
            "published values are shown only with measured rows: make a run, or name the folder of your runs "
            "with runs="
        )
    rows = rows.dropna(axis="columns", how="all")
    if board is not None:
        is_of_board = rows["board"].fillna("").str.partition(", protocol ")[0] == board
        rows = rows[is_of_board]
    of_task = task if board is None else None
    dataset = dataset and registry.id_of_spelling("dataset", dataset)
    for name, wanted in (("task", of_task), ("dataset", dataset), ("protocol", protocol)):
        if wanted is not None:
            rows = rows[rows[name] == wanted]
    if len(rows):
        rows = rows.dropna(axis="columns", how="all")
    return rows.reset_index(drop=True)


def _title_of_board(name: str | None, folder: Path) -> str | None:
    """The title of the board of a name; None if it names none."""
    if name is None or name in catalogue.SECTIONS:
        return None
    titles = {board.id: board.title for board in board_files.named_boards_of(folder)}
    id_ = spellings.usual_name(name, titles)
    return None if id_ is None else titles[id_]


def leaderboards_folder(named: str | Path | None) -> Path:
    """The named folder, or the first one that exists: here, in the checkout, in the installed package."""
    if named is not None:
        return Path(named).expanduser()
    here = Path("leaderboards")
    places = [here, *map(Path, shipped_folder("leaderboards"))]
    return next((place for place in places if place.is_dir()), here)


def _lines(table: BoardTable) -> Iterator[dict[str, Any]]:
    """The lines of all parts of a table, measured ones first."""
    for part in table.parts:
        place = {name: getattr(table, name) for name in ("task", "dataset", "protocol", "variant")}
        place |= {"part": part.name, "board": table.board or None}
        for row in part.rows:
            head = {name: getattr(row, name) for name in ("method", "settings", "member", "provenance", "n", "group")}
            scores: dict[str, float | None] = {}
            for metric in part.metrics:
                score = row.scores[metric]
                scores |= {metric: score.value, f"{metric}_low": score.low, f"{metric}_high": score.high}
            yield {**place, **head, "seeds": len(row.seeds), "source": ", ".join(row.runs), **scores}
        for line in part.published:
            values = {metric: float(text) for metric, text in line.values.items()}
            head = {"method": line.method, "member": line.member, "provenance": "published", "source": line.source}
            yield {**place, **head, "settings": line.caveats_in_words(), **values}
        for rescored in part.rescored:
            head = {"method": rescored.method, "settings": rescored.reading, "member": rescored.member, "n": rescored.n}
            scores = {name: score.value for name, score in rescored.scores.items()}
            yield {**place, **head, "provenance": "scored anew", "source": rescored.address, **scores}
