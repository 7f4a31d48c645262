"""The site as its readers use it: mouse, keyboard, phone, night."""

import re
import shutil
from dataclasses import replace

import pytest

from mebench.boards.site import site_pages
from mebench.records import published
from tests.boards.site.conftest import EVIL, LEADERBOARDS
from tests.helpers.nightly import NIGHTLY

pytestmark = pytest.mark.browser
TABLE = "tables/spotting-casme2-loso.html"
QUICK_MS = 200
MANY = 2000


def written(rows, folder, site):
    """A folder with the page of published values, and what it loads."""
    shutil.copytree(site / "assets", folder / "assets")
    pages = site_pages.Site([], [], rows).make_pages()
    (folder / "published.html").write_text(next(text for name, text in pages if name == "published.html"), "utf-8")
    return folder


@pytest.fixture(scope="module")
def some():
    """Published values of two datasets: a browser takes a second to show all, as it does once when all pages are opened."""
    rows = published.read_published(LEADERBOARDS / "published.csv")
    return [row for row in rows if row.dataset in ("meview", "megc2019")]


@pytest.fixture(scope="module")
def listed(some, site, tmp_path_factory):
    return written(some, tmp_path_factory.mktemp("listed"), site)


def column(page, table, n):
    return page.locator(f"{table} tbody tr td:nth-child({n}), {table} tbody tr th:nth-child({n})").all_inner_texts()


def test_page_opens_without_complaint(visit, site):
    """By day three of each folder: cards, runs and tables are pages of one kind each."""
    page = visit()
    files = sorted(site.rglob("*.html"))
    for file in files:
        if not NIGHTLY and file.parent != site and file not in [f for f in files if f.parent == file.parent][:3]:
            continue
        page.goto(file.as_uri())
        if page.locator("table[data-sortable]").count():
            page.wait_for_selector("html[data-ready]", state="attached")
        assert page.locator("h1").count() == 1


def test_table_heading_sorts_on_click(visit):
    page = visit(TABLE)
    table = page.locator("#micro table").first
    heading = table.locator("thead th", has_text="fit, s")
    methods = table.locator("tbody tr td:nth-child(1)")
    before = methods.all_inner_texts()
    for sign, way in ((1, "ascending"), (-1, "descending")):
        heading.dispatch_event("click")
        table.locator(f"th[aria-sort={way}]", has_text="fit, s").wait_for()
        cells = table.locator("tbody tr").evaluate_all(
            f"rows => rows.map(r => r.cells[{place(table, 'fit, s')}].dataset.order)"
        )
        costs = [float(cell) for cell in cells if cell]
        assert costs == sorted(costs, reverse=sign < 0)
        assert "" in cells, "chance costs nothing, and comes last"
        assert cells == sorted(cells, key=lambda cell: not cell), "chance costs nothing, and comes last"
    assert sorted(methods.all_inner_texts()) == sorted(before)


def test_table_of_all_rows_sorts_below_its_headings(visit):
    """The first click gives the best first; rows of other tables stay below their own heading; the address keeps it."""
    page = visit("rows.html", width=390, height=844)
    table = page.locator("table[data-sortable]")
    lines = "rows => rows.map(r => r.cells.length == 1 ? null : Number(r.cells[1].dataset.order))"
    score = table.locator("thead th", has_text="score")
    headings = table.locator("tbody th[scope=rowgroup]").all_inner_texts()
    score.dispatch_event("click")
    table.locator("th[aria-sort=descending]", has_text="score").wait_for()
    assert table.locator("tbody th[scope=rowgroup]").all_inner_texts() == headings
    assert len(set(headings)) > 3
    groups: list[list[float]] = []
    for value in table.locator("tbody tr").evaluate_all(lines):
        groups.append([]) if value is None else groups[-1].append(value)
    assert groups == [sorted(group, reverse=True) for group in groups]
    assert max(map(len, groups)) > 1
    assert "order=-score" in page.url
    places = table.locator("tbody .place").all()
    assert len(places) == sum(map(len, groups))
    assert all(place.is_visible() for place in places), "its heading may be out of sight on a phone"
    box = table.locator("tbody td.main").first.bounding_box()
    assert box["x"] + box["width"] <= 390
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    page.locator("th[aria-sort=descending]", has_text="score").wait_for()


def test_table_heading_sorts_marked_numbers_as_numbers(visit):
    table = visit(TABLE).locator(".beside table.published[data-sortable]").first
    table.evaluate(
        "(t, words) => words.forEach((word, n) => t.tBodies[0].rows[n].cells[2].replaceChildren(word))",
        ["1407", "363†"],
    )
    table.evaluate("t => [...t.tBodies[0].rows].slice(2).forEach(row => row.cells[2].replaceChildren('–'))")
    table.locator("thead th").nth(2).dispatch_event("click")
    assert table.locator("tbody tr td:nth-child(3)").all_inner_texts()[:2] == ["1407", "363†"]  # the best first


def test_card_of_row_gives_the_command_to_copy(visit):
    """It tells people, costs and origin, fits a phone, and its command names the settings of the record."""
    page = visit(TABLE, width=390, height=844)
    card = page.locator("details.about", has_text="run -m method=mean").first
    card.locator("summary").click()
    told = dict(zip(card.locator("dt").all_inner_texts(), card.locator("dd").all_inner_texts()))
    assert {"settings", "people", "rules", "costs", "provenance"} <= set(told)
    assert next(iter(told)).startswith("run it again"), "it stands first"
    command = card.locator("code").inner_text()
    assert command.startswith("mebench run -m method=mean ")
    assert command.endswith(" seed=0,1")
    box = card.locator("dl").bounding_box()
    assert box["x"] + box["width"] <= 390
    score = page.locator("tr", has=card).locator("td.main").bounding_box()
    assert score["x"] + score["width"] <= 390, "the open card pushes the score out of sight"
    card.locator("button.copy").click()
    card.locator("button", has_text=re.compile("copied|selected")).wait_for()


def place(table, name):
    return [text.strip() for text in table.locator("thead th").all_inner_texts()].index(name)


def test_table_filter_takes_words_and_choices(visit, listed):
    page = visit("published.html", folder=listed)
    rows = page.locator("table tbody tr")
    page.get_by_role("combobox", name="dataset").select_option("meview")
    assert {text.split("\n")[0] for text in column(page, "table", 2)} == {"meview"}
    page.get_by_role("searchbox").fill("gan 2022")
    assert rows.count() == 4
    assert all("Gan 2022" in text for text in column(page, "table", 1))
    page.get_by_role("combobox", name="dataset").select_option(label="all")
    page.get_by_role("searchbox").fill("htnet")
    named = ["htnet" in name.split("\n")[0].lower() for name in column(page, "table", 1)]
    assert named.count(True)
    assert named.count(False)
    assert named == sorted(named, reverse=True), "a method of that name comes before those that only mention it"
    page.get_by_role("searchbox").fill("nothing of that kind")
    assert rows.all_inner_texts() == ["no row fits the filter"]
    page.get_by_role("searchbox").fill("")
    page.get_by_role("combobox", name="dataset").select_option(label="all")
    assert "rows" in page.locator(".under .info").inner_text()


def test_links_lead_from_index_to_run(visit):
    page = visit()
    page.locator("a.card", has_text="CASME II").first.click()
    page.wait_for_url("**/boards/**")
    page.wait_for_selector("html[data-ready]", state="attached")  # before, the table is drawn anew and a click is lost
    page.locator("table tbody a", has_text="seed 0").first.click()
    page.wait_for_url("**/runs/**")
    assert "mean on casme2, seed 0" in page.locator("h1").inner_text()
    page.get_by_role("link", name="casme2", exact=True).click()
    page.wait_for_url("**/datasets/casme2.html")


def test_chart_point_links_to_run(visit):
    page = visit(TABLE)
    point = page.locator("#micro .chart .wide svg a").last  # the one on top
    assert ": F1 " in point.get_attribute("aria-label")
    point.locator("circle").click()
    page.wait_for_url("**/runs/**")


def test_page_needs_the_keyboard_alone(visit):
    page = visit(TABLE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url.endswith("#content"))
    headings = page.locator("#micro table").first.locator("thead th")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("!!document.activeElement.closest('thead')"):
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    headings.and_(page.locator("[aria-sort=ascending]")).wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('tbody a')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/tables/" not in url)


@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        "rows.html",
        TABLE,
        "boards/found.html",
        "boards/worth.html",
        "runs/evil.html",
        "published.html",
        "methods/mean.html",
        "about.html",
    ],
)
def test_page_on_a_phone_needs_no_sideways_scrolling(visit, name):
    page = visit(name, width=360, height=740)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_page_on_a_phone_shows_narrow_chart_method_and_score(visit):
    page = visit(TABLE, width=390, height=844)
    assert page.locator("#micro .chart .narrow").is_visible()
    assert not page.locator("#micro .chart .wide").is_visible()
    score = page.locator("#micro table").first.locator("tbody td.main").first.bounding_box()
    assert score["x"] + score["width"] <= 390


@pytest.mark.parametrize("name", ["index.html", TABLE, "boards/found.html", "methods/mean.html", "runs/evil.html"])
def test_wide_tables_show_that_they_go_on(visit, name):
    each = """() => [...document.querySelectorAll('.scroll')].filter(e => e.checkVisibility()).map(e => [
        e.scrollWidth > e.clientWidth + 1, getComputedStyle(e, '::before').content.includes('goes on to the right')])"""
    page = visit(name, width=390, height=844)
    assert [wide for wide, _ in page.evaluate(each)] == [noted for _, noted in page.evaluate(each)]
    first = (
        "[...document.querySelectorAll('.scroll')].find(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1)"
    )
    if page.evaluate(f"{first} !== undefined"):  # what is out of sight is not drawn again
        page.evaluate(f"{first}.scrollIntoView()")
        height = page.evaluate(f"{first}.clientHeight")
        page.evaluate(f"{first}.scrollLeft = 1e6")
        page.wait_for_function(f"!getComputedStyle({first}, '::before').content.includes('right')")
        assert page.evaluate(f"{first}.clientHeight") == height  # what the pointer is about to click stays where it is


def luminance(color):
    red, green, blue = (int(part) / 255 for part in color[4:-1].split(",")[:3])
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_by_day_and_night(visit, scheme):
    page = visit(TABLE, color_scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.querySelector('.scroll')).backgroundColor")
    for selector in ("tbody th a", "td.main .value", "td .interval", "thead th", "tr.chance td.main .value"):
        color = page.evaluate(f"getComputedStyle(document.querySelector('#micro {selector}')).color")
        bright, dim = sorted((luminance(color), luminance(ground)), reverse=True)
        assert (bright + 0.05) / (dim + 0.05) >= 4.5, (selector, color, ground)  # WCAG 2, level AA
    assert (luminance(ground) < 0.1) == (scheme == "dark")


def test_print_hides_nothing_behind_scroll_bar(visit):
    page = visit(TABLE)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('.scroll')).overflowX") == "visible"
    assert not page.locator("nav").is_visible()
    assert page.locator("#micro .chart .wide").is_visible()


def test_tables_are_there_without_scripts(visit, site, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / TABLE).as_uri())
    assert page.locator("#micro table").first.locator("tbody tr").count() > 3
    context.close()


def test_script_in_name_shows_as_text(visit):
    page = visit(TABLE)  # a dialog would fail the test
    assert page.get_by_text(EVIL).count() >= 1
    page = visit("runs/evil.html")
    assert EVIL in page.locator("h1").inner_text()


def test_page_on_a_phone_shows_mark_and_source_of_published(visit, listed, some):
    printed = {(f"{row.value:.{row.digits}f}", bool(row.caveats)) for row in some}
    page = visit("published.html", folder=listed, width=390)
    assert "caveats" not in page.locator("thead th").all_inner_texts()
    page.get_by_role("searchbox").fill("htnet lbp-top")
    values = column(page, "table", 4)
    assert "0.2000†" in values
    assert "0.5882" in values
    assert all((text.rstrip("†"), text.endswith("†")) in printed for text in values)
    assert all("wang2023htnet, " in text for text in column(page, "table", 1))


def test_print_has_all_rows_of_paged_table(visit, listed, some):
    page = visit("published.html", folder=listed)
    rows = page.locator("table tbody tr")
    assert rows.count() == 50
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert rows.count() == len(some)
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert rows.count() == 50


def test_table_of_2000_rows_sorts_and_filters_quickly(visit, some, site, tmp_path):
    """What the page computes and paints for a click, in the time of its own thread: other processes do not count."""
    row = next(row for row in some if row.metric == "f1")
    rows = [replace(row, method=f"method {n * 7919 % MANY:04}", value=n % 997 / 1000, line=n) for n in range(MANY)]
    page = visit("published.html", folder=written(rows, tmp_path / "site", site))
    assert page.locator(".under .info").inner_text() == "1 to 50 of 2,000 rows"
    thread = page.context.new_cdp_session(page)
    thread.send("Performance.enable", {"timeDomain": "threadTicks"})
    first = page.locator("tbody tr").first

    def busy():
        return next(m["value"] for m in thread.send("Performance.getMetrics")["metrics"] if m["name"] == "TaskDuration")

    def milliseconds(action, column, text):
        before = busy()
        action()
        first.locator(f"> :nth-child({column})", has_text=text).wait_for()
        page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")  # painted
        return 1000 * (busy() - before)

    def sort(n):
        return page.locator("thead th").nth(n).locator(".order").click

    def words(text):
        return lambda: page.get_by_role("searchbox").fill(text)

    taken = {
        "sort texts": milliseconds(sort(0), 1, "method 0000"),
        "sort numbers": milliseconds(sort(7), 8, "0.0000"),
        "sort the other way": milliseconds(sort(7), 8, "0.9960"),
        "filter": milliseconds(words("method 1999"), 1, "method 1999"),
        "no filter": milliseconds(words(""), 8, "0.9960"),
    }
    print({what: round(ms) for what, ms in taken.items()})
    assert min(taken.values()) > 0, taken
    assert max(taken.values()) < QUICK_MS, taken


def test_address_keeps_choices(visit, listed):
    page = visit("published.html", folder=listed)
    page.get_by_role("combobox", name="dataset").select_option("meview")
    page.get_by_text("columns", exact=True).click()
    page.get_by_role("checkbox", name="caveats").uncheck()
    page.goto("about:blank")
    page.go_back()
    page.wait_for_selector("html[data-ready]", state="attached")

    assert "dataset=meview" in page.url
    assert {text.split("\n")[0] for text in column(page, "table", 2)} == {"meview"}
    assert "caveats" not in page.locator("thead th").all_inner_texts()
    unseen = page.locator("details.columns summary")
    (hidden,) = re.findall(r"columns \((\d+) hidden\)", unseen.inner_text())
    page.get_by_text("columns", exact=True).click()
    page.get_by_role("checkbox", name="caveats").check()
    assert unseen.inner_text() == ("columns" if hidden == "1" else f"columns ({int(hidden) - 1} hidden)")


def test_address_with_filters_of_the_index_leads_to_all_rows(visit, site):
    page = visit("about.html")
    page.goto((site / "index.html").as_uri() + "#filter:0.words=mean")
    page.wait_for_url("**/rows.html#filter:0.words=mean")
    assert page.get_by_role("searchbox").input_value() == "mean"


def test_timeline_answers_to_mouse_keys_and_links(visit, site):
    name = next(file for file in (site / "runs").iterdir() if file.name.startswith("optical_strain"))
    page = visit(f"runs/{name.name}")

    page.locator("details.video").first.wait_for()
    assert page.locator("figure.timeline[data-drawn]").count() == 0  # all are folded
    page.locator(".slips summary").first.click()
    page.locator(".slips a").first.click()
    page.wait_for_url(re.compile(r"#v\d+:\d+-\d+$"))
    _, onset, offset = re.fullmatch(r".*#(v\d+):(\d+)-(\d+)", page.url).groups()
    stage = page.locator("figure.timeline .stage:focus")
    stage.wait_for()
    middle = (int(onset) + int(offset)) // 2
    assert stage.get_attribute("aria-valuenow") == str(middle)
    assert f"(frames {onset} to {offset}, peak" in stage.get_attribute("aria-valuetext")

    page.keyboard.press("ArrowRight")
    assert stage.get_attribute("aria-valuenow") == str(middle + 1)
    assert "micro score" in stage.get_attribute("aria-valuetext")
    page.keyboard.press("Home")
    page.keyboard.press("0")
    box = stage.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 20)
    assert stage.get_attribute("aria-valuenow") == "299"


def test_table_buttons_turn_pages_of_long_table(visit, listed, some):
    page = visit("published.html", folder=listed)
    many = len(some)
    for name, first in (("next", 51), ("last", many // 50 * 50 + 1), ("previous", many // 50 * 50 - 49), ("first", 1)):
        page.get_by_role("button", name=f"{name} page").click()
        assert page.locator(".under .info").inner_text().startswith(f"{first} to ")
    assert [button.is_disabled() for button in page.locator(".pages button").all()] == [True, True, False, False]
