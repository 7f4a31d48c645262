"""The files of the site, read without a browser."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

from mebench.boards import build as boards_build, published_tables
from mebench.boards.site import cards, site_pages as module
from mebench.boards.site.site_pages import Site
from mebench.intake import collect as boards_collect
from mebench.records import published as records_published
from mebench.reproduction.board_rows import collect_rescored, rescored_tables
from mebench.score_type import Score
from tests.helpers.run_folders import make_run

LARGEST = 3 * 2**20
LEADERBOARDS = Path(__file__).parents[3] / "leaderboards"


def test_table_page_has_rescored_between_measured_and_published(pages, site):
    words = " ".join(" ".join(pages[site / "tables" / "spotting-casme2-loso.html"].text).split())
    order = [
        words.index(text) for text in ("openness runs", "Answers of the authors’ own programs", "Published by others")
    ]
    assert order == sorted(order)
    anew = words[order[1] : order[2]]
    stored = json.loads((LEADERBOARDS / "rescored" / "mean_casme2.json").read_text(encoding="utf-8"))
    scores = stored["sets"][0]["results"][0]["summary"]["spotting"]["micro"]["scores"]
    for name, printed in (("f1", "0.6516"), ("ap", "0.1180†")):
        assert "{value:.4f} [{low:.4f}, {high:.4f}] printed ".format(**scores[name]) + printed in anew
    assert "mean2022, the authors' rules; intervals 17 frames (k'/2) later" in anew
    assert "0.7787" in anew
    assert "Mistakes of these answers by cause" in anew
    assert "the rescored answers of 1 source" in " ".join(pages[site / "index.html"].text)


def test_index_names_best_rescored_without_selection(tmp_path):
    sources = collect_rescored(LEADERBOARDS / "rescored", print)
    published = records_published.read_published(LEADERBOARDS / "published.csv")
    tables = published_tables.with_rescored([], list(rescored_tables(sources, published)), [])
    table = next(one for one in tables if (one.dataset, one.protocol) == ("cas_me2", "loso"))
    module.write_site([table], [], [], tmp_path / "site")
    micro = next(part.rescored for part in table.parts if part.name == "micro")
    honest = [row for row in micro if row.convention == "strict" and "test_selected" not in row.reading]
    best = max(row.scores["f1"].value for row in honest)

    assert micro[0].scores["f1"].value < best
    assert f">{best:.3f}<" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


def test_page_of_a_run_begins_with_the_floor_of_names(tmp_path):
    """A record's page does not compute it; here nine in ten names give the class away."""
    make_run(tmp_path / "runs", "one", tasks=("recognize",))
    records = boards_collect.collect_finished_runs(tmp_path / "runs")
    (table,) = boards_build.build_tables(records)
    part = table.parts[0]
    (run,) = (row for row in part.rows if row.measured)
    alone = {metric: Score(0.9) for metric in run.scores}
    names = replace(run, method="names", provenance="chance", scores=alone)
    with_names = replace(table, parts=(replace(part, rows=(run, names)), *table.parts[1:]))
    module.write_site([with_names], records, [], tmp_path / "site")
    (page,) = (tmp_path / "site" / "runs").glob("*.html")
    answer = re.search('<p class="answer">(.*?)</p>', page.read_text(encoding="utf-8"))[1]
    assert "names alone" in answer
    assert "against 0.900" in answer


def test_write_site_keeps_equal_files(tmp_path):
    """A file whose text has changed is a new one, so that nothing is ever half written; others are the same on the disk."""
    make_run(tmp_path / "runs", "one", tasks=("recognize",))
    records = boards_collect.collect_finished_runs(tmp_path / "runs")
    site = tmp_path / "site"
    written = module.write_site(boards_build.build_tables(records), records, [], site)
    texts = {file: file.read_text(encoding="utf-8") for file in site.rglob("*.*")}
    numbers = {file: file.stat().st_ino for file in texts}
    (site / "about.html").write_text("short", encoding="utf-8")
    (site / "submit.html").write_text("." * len((site / "submit.html").read_bytes()), encoding="utf-8")
    again = module.write_site(boards_build.build_tables(records), records, [], site)

    assert again == written
    assert {file: file.read_text(encoding="utf-8") for file in site.rglob("*.*")} == texts
    assert {file.name for file, number in numbers.items() if file.stat().st_ino != number} == {
        "about.html",
        "submit.html",
    }


def test_index_puts_board_of_real_density_first(tmp_path):
    for name in (
        "abpn-synthetic-kfold-seed0-047efc64",
        "linear_spotter-synthetic-kfold-seed0-62c5bbc2",
        "abpn-synthetic-kfold-seed0-a1b97ba9",
    ):
        shutil.copytree(LEADERBOARDS / "records" / name, tmp_path / "records" / name)
    records = boards_collect.collect_records(tmp_path / "records")
    tables = boards_build.build_tables(records)
    module.write_site(tables, records, [], tmp_path / "site")
    cards_of = re.findall(r'href="tables/(spotting\S+)\.html"', (tmp_path / "site" / "index.html").read_text("utf-8"))

    assert [re.findall("field|board", name) for name in dict.fromkeys(cards_of)] == [["field"], ["board"]]


def test_card_page_has_title_and_paper(pages, site):
    text = " ".join(pages[site / "datasets" / "casme2.html"].text)
    assert "CASME II" in text
    assert "Wen-Jing Yan" in text
    assert "CAS(ME)2" in " ".join(pages[site / "datasets.html"].text)


def test_pages_close_elements_and_have_unique_ids(pages):
    for file, page in pages.items():
        assert page.open == [], file
        assert len(set(page.ids)) == len(page.ids), file


def test_pages_link_to_existing_files_and_ids(pages):
    for file, page in pages.items():
        for link in page.links:
            if link.startswith(("https://", "data:", "http://")):
                continue
            place, _, anchor = link.partition("#")
            target = (file.parent / place).resolve() if place else file
            assert target.is_file(), (file, link)
            is_choice = anchor.startswith("filter:")  # what is chosen in a table, which the script reads
            assert not anchor or is_choice or anchor in pages[target].ids, (file, link)


def test_pages_load_nothing_from_elsewhere(site):
    for file in site.rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?(?:https?:)?//", text), file
    styles = (site / "assets" / "site.css").read_text()
    assert not re.search(r"url\([\"']?(?:https?:)?//|@import", styles)


def test_pages_escape_names(site, pages):
    for file, page in pages.items():
        assert page.scripts == 2 + (file.parent.name == "runs" and "timelines" in page.ids), file  # those of the site
        assert "<script>alert" not in file.read_text(encoding="utf-8"), file
    runs = [page for file, page in pages.items() if file.parent.name == "runs"]
    assert any("<script>alert(1)</script> on casme2" in "".join(page.text) for page in runs)
    assert not [file for file in site.rglob("*") if "<" in file.name]


def test_pages_are_there_for_run_method_and_dataset(pages):
    names = {f"{file.parent.name}/{file.stem}" for file in pages}
    assert {"methods/mean", "methods/ststnet", "datasets/casme2", "datasets/synthetic", "runs/evil"} <= names


def test_run_page_leads_back_to_its_own_tables(site):
    page = (site / "runs" / "evil.html").read_text(encoding="utf-8")
    crumbs = page.partition('<p class="crumbs">')[2].partition("</p>")[0]
    tables = re.findall(r'href="../tables/([^"]+)\.html"', crumbs)
    assert sorted(tables) == ["analysis-casme2-loso", "recognition-casme2-loso", "spotting-casme2-loso"]


def test_pages_mark_published_values_in_own_tables(pages, site):
    page = (site / "tables" / "spotting-casme2-loso.html").read_text(encoding="utf-8")
    measured, _, beside = page.partition("Published by others")
    assert "liong2023mean" in beside
    assert "liong2023mean" not in re.sub(r"<svg.*?</svg>", "", measured, flags=re.DOTALL)
    assert "not measured here" in beside
    assert 'class="published"' in beside


def test_chart_takes_colours_of_page(site):
    page = (site / "tables" / "spotting-casme2-loso.html").read_text(encoding="utf-8")
    drawings = re.findall(r'<svg viewBox="0 0 \d+ \d+" role.*?</svg>', page, re.DOTALL)
    assert len(drawings) == 6  # micro, macro and overall, wide and narrow
    for drawing in drawings:
        assert not re.search(r"#[0-9a-f]{3}|style=|fill=", drawing)
        assert "<title>" in drawing
        assert "../runs/" in drawing


def size(*files):
    return sum(file.stat().st_size for file in files)


def test_site_is_small(site):
    assert size(*(file for file in site.rglob("*") if file.is_file())) < LARGEST


def test_site_of_hundred_runs_is_small(site):
    """What grows with runs, beside what does not."""
    runs = [*(site / "runs").glob("*.html")]
    rest = [file for file in site.rglob("*") if file.is_file() and file.parent.name not in ("runs", "tables")]
    drawn = re.compile(r"data-packed-timelines>.*?</script>", re.DOTALL)  # records keep no scores of frames
    bare = [len(drawn.sub("", file.read_text(encoding="utf-8"))) for file in runs]
    assert size(*rest) + 100 * sum(bare) / len(bare) < 1.2 * LARGEST


def test_pages_mark_row_chosen_on_test_subjects(tmp_path):
    make_run(tmp_path, "honest", method="mean", tasks=("recognize",))
    make_run(tmp_path, "chosen", method="ststnet", tasks=("recognize",), selection="test")
    records = boards_collect.collect_finished_runs(tmp_path)
    pages = dict(Site(boards_build.build_tables(records), records, []).make_pages())
    for name in ("rows.html", "tables/recognition-drawn-loso.html", "methods/ststnet.html"):
        assert pages[name].count("selected on test subjects</span>") == 1, name
    assert "selected on test subjects</span>" not in pages["methods/mean.html"]


def page_of(record):
    """The page of a run; those that follow are not made."""
    return next(text for path, text in Site([], [record], []).make_pages() if path == f"runs/{record.id}.html")


def test_run_page_of_many_answers_shows_scores_only(tmp_path, monkeypatch):
    make_run(tmp_path, tasks=("spot",))
    (record,) = boards_collect.collect_finished_runs(tmp_path)
    whole = page_of(record)
    monkeypatch.setattr(module, "MOST_SHOWN", record.answers - 1)
    few = page_of(record)

    assert "timeline" in whole
    assert "too many" not in whole
    assert "data-packed-timelines" in whole
    assert "data-packed-timelines" not in few
    assert f"{record.answers:,} answers are too many for a page" in few
    assert "Spotting" in few


def test_card_body_drops_markup_and_dead_links():
    text = "# Head\n\n<img src=x onerror=alert(1)> [a](../b/README.md) [c](../d/README.md) [e](javascript:alert(1)) [f](https://x.org)"
    html = cards.to_html(text, {"b.html"})
    assert "<img" not in html
    assert "Head" not in html
    assert '<a href="javascript' not in html
    assert re.findall(r'href="([^"]+)"', html) == ["b.html", "https://x.org"]


def test_pages_distinguish_rows_of_one_method(tmp_path):
    make_run(tmp_path, "plain", method="mean", tasks=("spot",))
    make_run(tmp_path, "middle", method="mean", tasks=("spot",), shift=3, settings={"method.anchor": "middle"})
    records = boards_collect.collect_finished_runs(tmp_path)
    (page,) = (
        text
        for path, text in Site(boards_build.build_tables(records), records, []).make_pages()
        if path.startswith("tables/")
    )
    titles = re.findall(r'aria-label="([^"]*): F1 ', page)
    assert set(titles) == {"MEAN", "MEAN, anchor=middle"}
    names = re.findall(r'<th scope="row">.*?(?=<t[dh]|</tr>)', page, re.DOTALL)
    apart = ['<span class="settings">anchor=middle</span>' in name for name in names if ">MEAN<" in name]
    assert sorted(apart) == [False] * 3 + [True] * 3, "in the tables of scores, of mistakes and of who beats whom"


def test_card_page_has_one_row_of_pair(tmp_path):
    make_run(tmp_path, "pair", method="mean + mean", tasks=("spot",))
    records = boards_collect.collect_finished_runs(tmp_path)
    page = dict(Site(boards_build.build_tables(records), records, []).make_pages())["methods/mean.html"]
    assert page.count(f"../runs/{records[0].id}.html") == 1
