"""The pages of the site as text: Jinja's templates, filled."""

import base64
import importlib.util
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mebench.atomic import new_folder, put_in_place
from mebench.boards.checking import bounded
from mebench.boards.site.cards import body
from mebench.boards.site.chart import Point, chart
from mebench.boards.site.page_tables import Flat, PageTables, source_link
from mebench.boards.table_files import as_csv, latex
from mebench.config import registry
from mebench.config.registry import PluginKind
from mebench.errors import ConfigError
from mebench.metrics.catalogue import METRICS
from mebench.metrics.conventions import described
from mebench.records import row_facts, rows
from mebench.records.published import CAVEATS, Published
from mebench.records.record import DAMAGE, Record, UnshownError
from mebench.records.rows import Part, Table
from mebench.reports import report
from mebench.reports.pages import environment
from mebench.reports.timeline import SCRIPT, STYLE
from mebench.runs.folder import safe_name
from mebench.table import Table as Shown

Pages = Iterator[tuple[str, str]]

TASKS = (
    ("spotting", "When does a micro-expression happen? Spotted intervals against annotated ones."),
    ("analysis", "Spot, then name: the emotions of spotted intervals."),
    ("recognition", "Which emotion does a given clip show?"),
)


CARDS: dict[PluginKind, str] = {
    "method": "What can be run: each with its paper, what is computed, and where it departs from it.",
    "dataset": "What they are run on: licence, layout and known defects. No face is shipped here.",
}
NAMER = ", named by "
"""Between a spotter and the recognizer of a pair."""
BIBTEX = """@software{mebench,
  title  = {mebench: the benchmark suite for facial micro-expressions},
  author = {{The mebench developers}},
  note   = {Version %s}
}"""
MOST_SHOWN = 100_000
"""Answers of a run, of all draws, that its page shows one by one."""


class Site:
    """All pages of a leaderboard.

    Args:
        tables: with published lines beside.
        records: of the runs in them.
        published: all published values.
        selection: what selection is worth.
    """

    def __init__(
        self,
        tables: Sequence[Table],
        records: Sequence[Record],
        published: Sequence[Published],
        selection: Shown | None = None,
    ) -> None:
        self.selection = selection if selection and selection.rows else None
        self.tables = tables
        self.records = records
        self.published = published
        self.plugins = {kind: registry.plugins(kind) for kind in registry.PLUGIN_KINDS}
        self.floors = {id_ for id_, info in self.plugins["method"].items() if info.config.get("chance")}
        self.environment = environment(Path(__file__).parent / "templates")
        self.environment.globals |= {
            "methods": self.plugins["method"],
            "datasets": self.plugins["dataset"],
            "facts": row_facts.FACTS,
            "meanings_of_caveats": CAVEATS,
        }
        self.environment.filters |= FILTERS | {
            "named": self._name,
            "titled": lambda dataset: " + ".join(self._title("dataset", id_) for id_ in dataset.split("+")),
            "ranked": self._ranked,
            "place": rows.place,
            "tables_of": lambda id_: [t for t in self.tables if id_ in t.dataset.split("+")],
        }
        self.environment.globals["draw"] = PageTables(self.environment)

    def pages(self) -> Pages:
        """Path and text of every page.

        Raises:
            UnshownError: some of the records have no page.
        """
        tables, anew = self.tables, [row for table in self.tables for part in table.parts for row in part.rescored]
        flat = [(table, part, row) for table in tables for part in table.parts for row in part.rows if row.measured]
        yield self._page(
            "index.html",
            tables=tables,
            tasks=TASKS,
            flat=sorted(flat, key=lambda one: bool(one[2].remark)),
            n_runs=len(self.records),
            n_measured=sum(any(part.rows for part in table.parts) for table in tables),
            n_published=len(self.published),
            n_rescored=len({row.source for row in anew}),
            selection=self.selection,
        )
        for table in tables:
            charts = {part.name: self._chart(table, part) for part in table.parts}
            path, members = f"tables/{safe_name(table.name)}.html", table.dataset.split("+")
            yield self._page(path, "table.html", table=table, charts=charts, datasets_of=members)
        reasons = {}
        for record in self.records:
            appears = [t for t in tables if any(record.id in row.runs for part in t.parts for row in part.rows)]
            try:
                with bounded():
                    values = report.values_of(record, MOST_SHOWN)
                    page = self._page(f"runs/{safe_name(record.id)}.html", "run_page.html", appears=appears, **values)
                page[1].encode()  # half a surrogate pair is no text
            except (*DAMAGE, MemoryError) as error:
                reasons[record.id] = f"{type(error).__name__}: {error}"
            else:
                yield page
        if reasons:
            raise UnshownError(reasons)
        for kind, words in CARDS.items():
            rows_of: dict[str, list[Flat]] = {id_: [] for id_ in self.plugins[kind]}
            for one in flat:
                used = one[2].method.split(" + ") if kind == "method" else one[0].dataset.split("+")
                for id_ in dict.fromkeys(used):
                    rows_of.setdefault(id_, []).append(one)
            found = self.plugins[kind]
            yield self._page(
                f"{kind}s.html", "cards.html", kind=kind, words=words, cards=found.values(), rows_of=rows_of
            )
            for id_, card in found.items():
                printed = [v for v in self.published if kind == "dataset" and id_ in (v.dataset, v.member)]
                path = f"{kind}s/{safe_name(id_)}.html"
                yield self._page(path, "card.html", card=card, rows=rows_of[id_], printed=printed)
        yield self._page("published.html", lines=self.published, caveats=CAVEATS)
        # The main part of every table with rows, and each method with its best rank in each of them.
        mains = [(t, t.parts[0], t.parts[0].rows[0]) for t in sorted(tables, key=_drawn) if t.parts and t.parts[0].rows]
        best: dict[str, dict[int, rows.Ranked]] = {}
        for column, (table, part, _) in enumerate(mains):
            for ranked in self._ranked(table, part):
                if ranked.rank is not None:
                    best.setdefault(ranked.row.method, {}).setdefault(column, ranked)
        ranks = sorted(
            best.items(), key=lambda pair: (-len(pair[1]), sum(o.rank or 0 for o in pair[1].values()), pair[0])
        )
        yield self._page("ranks.html", mains=mains, ranks=ranks)
        yield self._page("submit.html", bibtex=BIBTEX % version("mebench"))
        conventions = sorted({row.convention for _, _, row in flat} | {row.convention for row in anew} | {"strict"})
        yield self._page("about.html", metrics=METRICS, conventions=list(map(described, conventions)))

    def _page(self, path: str, template: str = "", **values: Any) -> tuple[str, str]:
        """Path and text of a page."""
        place = {"root": "../", "here": ""} if "/" in path else {"root": "", "here": path.removesuffix(".html")}
        text = self.environment.get_template(template or path).render(place | values)
        return path, re.sub(r"\n\s*\n+", "\n", text).strip() + "\n"

    def _title(self, kind: PluginKind, id_: str) -> str:
        return (self.plugins[kind][id_].title if id_ in self.plugins[kind] else "") or id_

    def _name(self, method: str) -> str:
        return NAMER.join(self._title("method", id_) for id_ in method.split(" + "))

    def _ranked(self, table: Table, part: Part) -> list[rows.Ranked]:
        return rows.ranked(part, self.floors, fold=table.task == "spotting")

    def _chart(self, table: Table, part: Part) -> Markup:
        if any(row.member for row in part.rows):  # members have scores of their own, not one scale
            return Markup()
        points = [
            Point(
                one.rank,
                one.row,
                f"../runs/{safe_name(one.row.runs[0])}.html",
                ", ".join(filter(None, (self._name(one.row.method), rows.distinguishing_settings(one.row, part.rows)))),
            )
            for one in self._ranked(table, part)
            if one.rank is not None
        ]
        levels = [row for row in part.rows if not row.measured]
        return chart(self.environment, part.metrics[0], points, levels, part.published)


def _drawn(table: Table) -> bool:
    """Whether what it holds cannot be compared with what others print, as on drawn faces."""
    measured = [row for part in table.parts for row in part.rows if row.measured]
    return bool(measured) and all(row.remark for row in measured)


FILTERS = {
    "distinguishing": lambda row, part: rows.distinguishing_settings(row, part.rows),
    "common": lambda part: rows.common(part.rows),
    "source": source_link,
    "real_first": lambda tables: sorted(tables, key=_drawn),
    "drawn": _drawn,
    "body": body,
}
STATIC = Path(__file__).parent / "static"
MARK = "mebench leaderboard build"


def write_site(
    tables: Sequence[Table],
    records: Sequence[Record],
    published: Sequence[Published],
    folder: Path,
    selection: Shown | None = None,
) -> tuple[int, int]:
    """Write the site into `folder`, replacing the one that is there as a whole; number of files and bytes.

    Raises:
        ConfigError: the folder holds something else.
        UnshownError: some of the records have no page.
    """
    index = folder / "index.html"
    own = index.is_file() and MARK in index.read_text(encoding="utf-8", errors="replace")[:2000]
    if not own and folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} holds files that are no site of mebench: move them away, or name another --out")
    script, style = library()
    # The library is a module, which a page opened from a folder may not load: it goes in as packed text, see site.js.
    packed = base64.b64encode(zlib.compress(script.encode(), 9)).decode()
    files = {"assets/datatables.js": f'window.tableLibrary = "{packed}";\n', "assets/datatables.css": style}
    files |= {
        f"assets/{file.name}": file.read_text(encoding="utf-8")
        for file in (*STATIC.iterdir(), report.SHEET, SCRIPT, STYLE)
    }
    for table in tables:
        plain = json.dumps(table.plain(), ensure_ascii=False, allow_nan=False) + "\n"
        for ending, text in (("csv", as_csv(table)), ("json", plain), ("tex", latex(table))):
            files[f"tables/{safe_name(table.name)}.{ending}"] = text
    with new_folder(folder.parent, ".site-") as temporary:
        sizes = []
        for name, text in chain(files.items(), Site(tables, records, published, selection).pages()):
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            sizes.append((temporary / name).write_bytes(text.encode()))
        put_in_place(temporary, folder)
    return len(sizes), sum(sizes)


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
