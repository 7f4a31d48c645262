"""The pages of the site as text: Jinja's templates, filled."""

import base64
import importlib.util
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mebench.atomic import new_folder, put_in_place
from mebench.errors import ConfigError
from mebench.metrics.catalogue import METRICS
from mebench.metrics.conventions import described
from mebench.results import columns, report, rows
from mebench.results.checking import bounded
from mebench.results.published import CAVEATS, Published
from mebench.results.record import DAMAGE, Record, UnshownError
from mebench.results.render.pages import environment
from mebench.results.render.timeline import SCRIPT, STYLE
from mebench.results.rows import Part, Row, Table
from mebench.results.site.cards import Card, cards
from mebench.results.site.chart import Point, chart
from mebench.results.site.page_tables import Flat, PageTables, source_link
from mebench.results.write import as_csv, latex
from mebench.runner.folder import safe_name

Pages = Iterator[tuple[str, str]]

TASKS = (
    ("spotting", "When does a micro-expression happen? Spotted intervals against annotated ones."),
    ("analysis", "Spot, then name: the emotions of spotted intervals."),
    ("recognition", "Which emotion does a given clip show?"),
)


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
        heads: of the table of what selection is worth.
        selection: its rows.
    """

    def __init__(
        self,
        tables: Sequence[Table],
        records: Sequence[Record],
        published: Sequence[Published],
        heads: Sequence[str] = (),
        selection: Sequence[Sequence[str]] = (),
    ) -> None:
        self.heads, self.selection = heads, selection
        self.tables = tables
        self.records = records
        self.published = published
        self.methods, self.datasets = cards("method"), cards("dataset")
        self.floors = {card.id for card in self.methods if card.chance}
        self.titles = {
            kind: {card.id: card.title for card in found}
            for kind, found in (("method", self.methods), ("dataset", self.datasets))
        }
        self.environment = environment(Path(__file__).parent / "templates")
        self.environment.globals |= {
            "methods": {card.id for card in self.methods},
            "datasets": {card.id for card in self.datasets},
            "facts": columns.FACTS,
            "meanings_of_caveats": CAVEATS,
        }
        self.environment.filters |= FILTERS | {
            "named": self._name,
            "titled": lambda dataset: " + ".join(self.titles["dataset"].get(id_, id_) for id_ in dataset.split("+")),
            "ranked": self._ranked,
            "tables_of": lambda id_: [t for t in self.tables if id_ in t.dataset.split("+")],
        }
        self.environment.globals["draw"] = PageTables(self.environment)

    def pages(self) -> Pages:
        """Path and text of every page."""
        yield "index.html", self._index()
        for table in self.tables:
            yield f"tables/{safe_name(table.name)}.html", self._table(table)
        yield from self._runs()
        yield from self._cards(
            self.methods,
            "Methods",
            "What can be run: each with its paper, what is computed, and where it departs from it.",
        )
        yield from self._cards(
            self.datasets,
            "Datasets",
            "What they are run on: licence, layout and known defects. No face is shipped here.",
        )
        published = self._page("published.html", "", here="published", lines=self.published, caveats=CAVEATS)
        yield "published.html", published
        mains, ranks = self._ranks()
        yield "ranks.html", self._page("ranks.html", "", here="ranks", mains=mains, ranks=ranks)
        yield "submit.html", self._page("submit.html", "", here="submit", bibtex=BIBTEX % version("mebench"))
        anew = {row.convention for table in self.tables for part in table.parts for row in part.rescored}
        conventions = sorted({row.convention for _, _, row in self._flat()} | anew | {"strict"})
        words = [described(name) for name in conventions]
        yield "about.html", self._page("about.html", "", here="about", metrics=METRICS, conventions=words)

    def _runs(self) -> Pages:
        reasons = {}
        for record in self.records:
            try:
                with bounded():
                    text = self._run(record)
                text.encode()  # half a surrogate pair is no text
            except (*DAMAGE, MemoryError) as error:
                reasons[record.id] = f"{type(error).__name__}: {error}"
            else:
                yield f"runs/{safe_name(record.id)}.html", text
        if reasons:
            raise UnshownError(reasons)

    def _page(self, template: str, root: str, **values: Any) -> str:
        text = self.environment.get_template(template).render(root=root, **{"here": "", **values})
        return re.sub(r"\n\s*\n+", "\n", text).strip() + "\n"

    def _flat(self) -> list[Flat]:
        return [
            (table, part, row) for table in self.tables for part in table.parts for row in part.rows if row.measured
        ]

    def _name(self, method: str) -> str:
        return NAMER.join(self.titles["method"].get(id_, id_) for id_ in method.split(" + "))

    def _ranked(self, table: Table, part: Part) -> list[rows.Ranked]:
        return rows.ranked(part, self.floors, fold=table.task == "spotting")

    def _ranks(self) -> tuple[list[Flat], list[tuple[str, dict[int, rows.Ranked]]]]:
        """The main part of every table with rows that are ranked, and each method with its best rank in each of them."""
        mains = [(t, t.parts[0]) for t in sorted(self.tables, key=_drawn) if t.parts and t.parts[0].rows]
        found: dict[str, dict[int, rows.Ranked]] = {}
        for column, (table, part) in enumerate(mains):
            for one in self._ranked(table, part):
                if one.rank is not None:
                    found.setdefault(one.row.method, {}).setdefault(column, one)
        order = sorted(
            found.items(), key=lambda pair: (-len(pair[1]), sum(o.rank or 0 for o in pair[1].values()), pair[0])
        )
        return [(table, part, part.rows[0]) for table, part in mains], order

    def _index(self) -> str:
        return self._page(
            "index.html",
            "",
            here="index",
            tables=self.tables,
            tasks=TASKS,
            flat=sorted(self._flat(), key=lambda one: bool(one[2].remark)),
            n_runs=len(self.records),
            n_measured=sum(any(part.rows for part in table.parts) for table in self.tables),
            n_published=len(self.published),
            n_rescored=len({row.source for table in self.tables for part in table.parts for row in part.rescored}),
            heads=self.heads,
            selection=self.selection,
        )

    def _table(self, table: Table) -> str:
        charts = {}
        for part in table.parts:
            points = [
                Point(
                    one.rank,
                    one.row,
                    f"../runs/{safe_name(one.row.runs[0])}.html",
                    ", ".join(filter(None, (self._name(one.row.method), rows.apart(one.row, part.rows)))),
                )
                for one in self._ranked(table, part)
                if one.rank is not None
            ]
            levels = [row for row in part.rows if not row.measured]
            one_pool = not any(row.member for row in part.rows)  # members have scores of their own, not one scale
            charts[part.name] = Markup(
                chart(safe_name(part.name), part.metrics[0], points, levels, part.published) if one_pool else ""
            )
        return self._page("table.html", "../", table=table, charts=charts, datasets_of=table.dataset.split("+"))

    def _run(self, record: Record) -> str:
        return self._page(
            "run_page.html",
            "../",
            appears=[t for t in self.tables if any(record.id in row.runs for part in t.parts for row in part.rows)],
            **report.values_of(record, MOST_SHOWN),
        )

    def _cards(self, found: Sequence[Card], title: str, words: str) -> Pages:
        flat, kind = self._flat(), title.lower()[:-1]

        def used(table: Table, row: Row) -> list[str]:
            return row.method.split(" + ") if kind == "method" else table.dataset.split("+")

        counts = Counter(id_ for table, _, row in flat for id_ in used(table, row))
        yield (
            f"{kind}s.html",
            self._page("cards.html", "", here=f"{kind}s", cards=found, title=title, words=words, counts=counts),
        )
        for card in found:
            rows = [(table, part, row) for table, part, row in flat if card.id in used(table, row)]
            printed = [line for line in self.published if kind == "dataset" and card.id in (line.dataset, line.member)]
            page = self._page("card.html", "../", card=card, rows=rows, printed=printed)
            yield f"{kind}s/{safe_name(card.id)}.html", page


def _drawn(table: Table) -> bool:
    """Whether what it holds cannot be compared with what others print, as on drawn faces."""
    measured = [row for part in table.parts for row in part.rows if row.measured]
    return bool(measured) and all(row.remark for row in measured)


FILTERS = {
    "apart": lambda row, part: rows.apart(row, part.rows),
    "common": lambda part: rows.common(part.rows),
    "source": source_link,
    "real_first": lambda tables: sorted(tables, key=_drawn),
    "drawn": _drawn,
    "safe_body": Markup,  # rendered by markdown-it with raw HTML off
}
STATIC = Path(__file__).parent / "static"
MARK = "mebench leaderboard build"


def write_site(
    tables: Sequence[Table],
    records: Sequence[Record],
    published: Sequence[Published],
    folder: Path,
    heads: Sequence[str] = (),
    selection: Sequence[Sequence[str]] = (),
) -> tuple[int, int]:
    """Write the site into `folder`, replacing the one that is there as a whole; number of files and bytes.

    Raises:
        ConfigError: the folder holds something else.
        UnshownError: some of the records have no page.
    """
    if folder.exists() and any(folder.iterdir()) and not _ours(folder):
        raise ConfigError(f"{folder} holds files that are no site of mebench: move them away, or name another --out")
    with new_folder(folder.parent, ".site-") as temporary:
        for name, text in Site(tables, records, published, heads, selection).pages():
            _write(temporary / name, text)
        for table in tables:
            place = temporary / "tables" / safe_name(table.name)
            plain = json.dumps(table.plain(), ensure_ascii=False, allow_nan=False) + "\n"
            for ending, text in (("csv", as_csv(table)), ("json", plain), ("tex", latex(table))):
                _write(Path(f"{place}.{ending}"), text)
        _write_assets(temporary / "assets")
        files = [file for file in temporary.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files)
        put_in_place(temporary, folder)
    return len(files), size


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())


def _write_assets(folder: Path) -> None:
    for file in (*sorted(STATIC.iterdir()), SCRIPT, STYLE):
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
