"""A site of drawn runs, opened from its folder in Debian's Chromium."""

import shutil
from pathlib import Path

import pytest

from mebench.boards import build as boards_build, collect as boards_collect, published_tables
from mebench.boards.published_tables import with_published
from mebench.boards.site import site_pages
from mebench.records import published as records_published
from mebench.records.matching_published import read_aliases
from tests.helpers.run_folders import make_run

LEADERBOARDS = Path(__file__).parents[3] / "leaderboards"
EVIL = "<script>alert(1)</script>"


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
        for source, outcome in published_tables.collect_rescored(LEADERBOARDS / "rescored", print)
        if source.id == "mean_casme2"
    ]
    whole = published_tables.with_rescored(
        boards_build.build_tables(records), list(published_tables.rescored_rows(anew, published)), aliases
    )
    tables = [with_published(table, published, aliases) for table in whole]
    site_pages.write_site(tables, records, published, folder / "site")
    return folder / "site"


@pytest.fixture(scope="session")
def browser():
    found = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
    if found is None:
        pytest.skip("no Chromium here: apt-get install chromium, and the page is tested in it")
    playwright = pytest.importorskip("playwright.sync_api", reason="the page is tested by playwright")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def window(browser):
    """The one page that all tests go to, for a new one costs more than most of them, and what it complains of."""
    page, complaints = browser.new_page(), []
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
