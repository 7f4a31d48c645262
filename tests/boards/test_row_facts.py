"""A new column of the leaderboards is one entry: it stands in all outputs then."""

import csv
import io
import json
import re

import pytest

from mebench.boards import build as boards_build, row_facts, table_files
from mebench.boards.site.site_pages import Site
from mebench.boards.table_files import as_csv, latex_tables, markdown_page
from mebench.config import registry
from mebench.intake import collect as boards_collect
from mebench.output.terminal import make_console
from mebench.records import schema
from mebench.records.costs import COSTS, Cost
from mebench.reports import report, sweep_scores
from mebench.runs.scoring import current_summary
from tests.helpers.run_folders import make_run


@pytest.fixture(autouse=True)
def _without_names(monkeypatch):
    """The row of what names give away is left out here: `test_tables` is about it."""
    monkeypatch.setattr("mebench.boards.build.names_rows", lambda *_: [])


def page_of(tables, records):
    """The page of the first table; those that follow are not made."""
    return next(
        text for path, text in Site(tables, records, []).make_pages() if path == f"tables/{tables[0].name}.html"
    )


@pytest.fixture
def energy(monkeypatch):
    """A cost that no run has yet: one entry of the catalogue."""
    added = Cost(name="energy_joules", head="energy", unit="J", words="of electricity", column="fit_seconds")
    monkeypatch.setitem(COSTS, added.name, added)
    return added


def test_cost_in_catalogue_is_in_every_output(energy, tmp_path):
    run = make_run(tmp_path, tasks=("recognize",))
    records = boards_collect.collect_finished_runs(tmp_path)
    (table,) = boards_build.build_tables(records)
    joules = records[0].costs["energy_joules"]
    written = energy.write(joules)

    lines = markdown_page(table).splitlines()
    heads, _, cells = next(lines[n : n + 3] for n, line in enumerate(lines) if "| energy, J |" in line)
    assert dict(zip(heads.split(" | "), cells.split(" | ")))["energy, J"] == written
    (row,) = csv.DictReader(io.StringIO(as_csv(table)))
    assert float(row["energy_joules"]) == pytest.approx(joules)
    assert table.plain()["parts"][0]["rows"][0]["costs"]["energy_joules"] == joules
    assert f"energy joules {joules:g}" in latex_tables(table)
    page = page_of([table], records)
    assert '<th class="num" scope="col" data-column="more">energy, J<' in page
    assert ("of electricity", f"{written} J") in report.gather_page_facts(records[0], None)["costs"]

    swept = sweep_scores.sweep_table(sweep_scores.sweep_rows([({}, run, current_summary(run))]))
    assert "energy, J" in [column.head for column in swept.columns]


def test_cost_in_catalogue_may_be_in_a_record(energy):
    assert set(schema.form_of_costs()) == set(COSTS)


def test_fact_in_catalogue_is_in_every_output(monkeypatch, tmp_path):
    tested = row_facts.Fact(
        "folds", "folds tested", read=lambda record: len(record.about["folds"]), meaning="how many were tested"
    )
    monkeypatch.setattr(row_facts, "FACTS", (*row_facts.FACTS, tested))
    run = make_run(tmp_path, tasks=("recognize",))
    number = str(len(run.read_json("folds.json")["folds"]))
    records = boards_collect.collect_finished_runs(tmp_path)
    (table,) = boards_build.build_tables(records)

    lines = markdown_page(table).splitlines()
    heads, _, cells = next(lines[n : n + 3] for n, line in enumerate(lines) if "| folds tested |" in line)
    assert dict(zip(heads.split(" | "), cells.split(" | ")))["folds tested"] == number

    out = make_console()
    with out.capture() as capture:
        out.print(table_files.origins_table(table.parts[0]))
    assert "folds tested" in " ".join(capture.get().split())
    assert f" {number} " in capture.get()

    (row,) = csv.DictReader(io.StringIO(as_csv(table)))
    assert row["folds_tested"] == number
    assert json.loads(json.dumps(table.plain()))["parts"][0]["rows"][0]["folds"] == int(number)
    assert f"folds tested {number}" in latex_tables(table)

    page = page_of([table], records)
    head = re.search(r'<th scope="col" title="how many were tested" data-column="more">folds tested<', page)
    assert head
    assert f"<td>{number}<" in page


def test_fact_with_mark_follows_name(monkeypatch, tmp_path):
    odd = row_facts.Fact("odd", read=lambda record: "because", mark="an odd one", meaning="it is odd")
    monkeypatch.setattr(row_facts, "FACTS", (*row_facts.FACTS, odd))
    make_run(tmp_path, tasks=("recognize",))
    (table,) = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))
    assert table.parts[0].rows[0].marks == ["an odd one"]
    assert "spotter, an odd one" in latex_tables(table)
    assert "| spotter (an odd one) |" in markdown_page(table)
    assert next(csv.DictReader(io.StringIO(as_csv(table))))["odd"] == "because"


def test_openness_agrees_with_cards(tmp_path):
    """An address, and every claim that an epoch is chosen on the tested person, must be in the card, too."""
    declared = {id_: info.read_section("openness") for id_, info in registry.list_plugins("method").items()}
    for id_, facts in declared.items():
        card = (registry.list_plugins("method")[id_].folder / "README.md").read_text()
        assert set(facts) <= {"code", "licence", "weights", "answers", "epoch"}, id_
        for address in re.findall(r"github\.com/\S+", facts.get("code", "")):
            assert address in card, id_
        assert "best" not in facts.get("epoch", "") or re.search(r"best.{0,80}test|test.{0,80}best", card, re.DOTALL), (
            id_
        )
    make_run(tmp_path, method="ststnet", tasks=("recognize",))
    records = boards_collect.collect_finished_runs(tmp_path)
    (table,) = boards_build.build_tables(records)
    (row,) = csv.DictReader(io.StringIO(as_csv(table)))
    assert row["openness"] == "code github.com/christy1206/STSTNet; weights public; epoch last"
    assert row["openness"] in markdown_page(table)
    assert row["openness"] in page_of([table], records)
