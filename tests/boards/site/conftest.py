"""A site of drawn runs, opened from its folder in Debian's Chromium."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from mebench.boards import board_pages, build as boards_build, published_tables
from mebench.boards.method_names import MethodNames
from mebench.boards.named_boards import read_named_boards, with_titles
from mebench.boards.published_tables import with_published
from mebench.boards.selection_gains import Gain
from mebench.boards.site import site_pages
from mebench.intake import collect as boards_collect
from mebench.records import published as records_published
from mebench.records.matching_published import read_aliases
from mebench.reproduction.board_rows import collect_rescored, rescored_tables
from mebench.score_type import Score
from tests.helpers.run_folders import make_run

LEADERBOARDS = Path(__file__).parents[3] / "leaderboards"
EVIL = "<script>alert(1)</script>"
CELLS = {"td", "th"}
VOID = {"meta", "link", "input", "br", "img", "hr"}
BOARDS = """
- id: worth
  group: The finding
  title: What choosing is worth
  question: How much is luck?
  task: selection
  boards: [found]
  takeaway: It adds {low_gain} to {high_gain}.
- id: found
  title: CASME II, by person
  question: Who finds them?
  short: by person
  task: spotting
  dataset: casme2
  protocol: loso
  part: micro
  score: f1
  columns: [tied, recall, chosen, seeds]
  about: All rows share <these> facts.
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    runs = folder / "runs"
    for seed in (0, 1):
        make_run(runs, method="mean", dataset="casme2", seed=seed, shift=seed)
    make_run(runs, method="optical_strain", dataset="casme2", tasks=("spot",), shift=5, kinds=("micro", "macro"))
    make_run(runs, "evil", method=EVIL, dataset="casme2", settings={"method.p": f'"{EVIL}'}, remark=f"{EVIL}&amp;")
    make_run(runs, method="ststnet", dataset="megc2019_flow", tasks=("recognize",), members=("casme2", "samm"))
    records = boards_collect.collect_finished_runs(runs)
    published = records_published.read_published(LEADERBOARDS / "published.csv")
    aliases = read_aliases(LEADERBOARDS / "beside.yaml")
    anew = [
        (source, outcome)
        for source, outcome in collect_rescored(LEADERBOARDS / "rescored", print)
        if source.id == "mean_casme2"
    ]
    whole = published_tables.with_rescored(
        boards_build.build_tables(records), list(rescored_tables(anew, published)), aliases
    )
    (folder / "boards.yaml").write_text(BOARDS)
    named = read_named_boards(folder)
    tables = with_titles([with_published(table, published, aliases) for table in whole], named)
    gains = [gain_of("mean", 0.125), gain_of("elsewhere", 0.5, dataset="megc2019_flow")]
    boards = board_pages.board_pages(named, tables, gains, [], MethodNames.from_published(published), print)
    site_pages.write_site(tables, records, published, folder / "site", gains, boards)
    return folder / "site"


def gain_of(method, value, dataset="casme2"):
    """A gain in F1 by choosing the epoch on the tested people."""
    return Gain(
        method_id=method,
        method=method,
        settings="",
        place=(dataset, "loso"),
        dataset=dataset,
        measure="F1 of intervals, micro" if dataset == "casme2" else "UF1 of clips",
        year="",
        published="–",
        leaking=0.75,
        honest=0.75 - value,
        score=Score(value, value - 0.03, value + 0.02),
        candidates="10",
        seeds="0, 1",
        program="keeps the best",
    )


class Reader(HTMLParser):
    """Open elements, ids, links and text of a page."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.ids = []
        self.links = []
        self.scripts = 0
        self.text = []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag in CELLS and self.open[-1] in CELLS:  # a cell ends where the next one begins
            self.open.pop()
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [named["id"]] if "id" in named else []
        links = [named.get(name) for name in ("href", "src", "xlink:href")]
        self.links += [link for link in links if link]
        self.scripts += tag == "script" and "type" not in named

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag == "tr" and self.open[-1] in CELLS:
            self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="session")
def pages(site):
    found = {}
    for file in sorted(site.rglob("*.html")):
        reader = Reader()
        reader.feed(file.read_text(encoding="utf-8"))
        found[file] = reader
    return found


@pytest.fixture(scope="session")
def window(browser):
    """The one page that all tests go to, for a new one costs more than most of them, and what it complains of."""
    page = browser.new_page()
    complaints = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else complaints.append(r.url))
    return page, complaints


@pytest.fixture
def visit(window, site):
    """Opens a page of the site, wide or narrow, by day or by night; errors of the console fail the test at its end."""
    page, complaints = window
    complaints.clear()

    def open_page(name="index.html", folder=site, width=1280, height=900, color_scheme="null"):
        page.goto("about:blank")  # what is there already would not be loaded again
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(media="null", color_scheme=color_scheme)
        page.goto((folder / name).as_uri())
        if page.locator("table[data-sortable]").count():
            page.wait_for_selector("html[data-ready]", state="attached")
            page.evaluate("new Promise(done => requestIdleCallback(done, {timeout: 5000}))")  # nothing moves any more
        return page

    yield open_page
    assert complaints == []
