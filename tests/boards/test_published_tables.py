from pathlib import Path

import pytest

from mebench.boards import build as boards_build, published_tables
from mebench.boards.published_tables import with_published
from mebench.boards.table_files import as_csv
from mebench.errors import DataError
from mebench.grouping import group_by
from mebench.intake import collect as boards_collect
from mebench.records import published as records_published
from mebench.records.matching_published import read_aliases
from tests.helpers.run_folders import make_run

LEADERBOARDS = Path(__file__).parents[2] / "leaderboards"


@pytest.fixture(scope="module")
def published():
    return records_published.read_published(LEADERBOARDS / "published.csv")


def beside(tmp_path, published, **run):
    make_run(tmp_path, **run)
    aliases = read_aliases(LEADERBOARDS / "beside.yaml")
    return {
        t.task: {p.name: p for p in with_published(t, published, aliases).parts}
        for t in boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))
    }


def test_with_published_adds_values_to_their_part(tmp_path, published):
    tables = beside(tmp_path, published, dataset="casme2")
    spotting = tables["spotting"]["micro"].published
    mean = next(line for line in spotting if line.method == "MEAN" and line.table == "Table 5")
    assert mean.values["f1"] == "0.6516"
    assert mean.caveats == {"ap": ("unranked",)}
    assert mean.caveats_in_words() == "unranked (ap)"
    analysis = next(
        line
        for line in tables["analysis"]["true positives"].published
        if (line.method, line.table) == ("MEAN", "Table 5")
    )
    assert (analysis.values["strs"], analysis.values["uf1"]) == ("0.3862", "0.6755")
    assert analysis.caveats == {"uf1": ("impossible",)}


def test_with_published_follows_aliases(tmp_path, published):
    parts = beside(tmp_path, published, dataset="megc2019_flow", tasks=("recognize",), members=("a", "b"))[
        "recognition"
    ]
    assert {"STSTNet", "HTNet"} <= {line.method for line in parts["all clips"].published}
    assert {line.member for line in parts["members"].published} == {"smic_hs", "casme2", "samm"}


def test_with_published_adds_nothing_to_other_datasets(tmp_path, published):
    tables = beside(tmp_path, published, dataset="drawn")
    every_part = [part for parts in tables.values() for part in parts.values()]
    assert all(part.published == () for part in every_part)


def test_published_lines_keep_printed_digits(published):
    parts = group_by(published, lambda row: (row.source, row.task, row.dataset, row.part, row.kind))
    assert len(parts) > 100
    for mine in parts.values():
        found = [value for line in published_tables.published_lines(mine) for value in line.values.values()]
        assert sorted(found) == sorted(f"{row.value:.{row.digits}f}" for row in mine)


def test_markdown_has_published_below_measured(tmp_path, published):
    make_run(tmp_path, dataset="casme2", shift=4)
    (table,) = [
        t for t in boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path)) if t.task == "spotting"
    ]
    text = as_csv(with_published(table, published, []))
    provenance = [line.split(",")[2] for line in text.splitlines()[1:]]
    first = provenance.index("published")
    assert set(provenance[:first]) == {"measured", "chance"}
    assert set(provenance[first:]) == {"published"}


def test_read_aliases_names_damaged_file(tmp_path):
    assert read_aliases(tmp_path / "none.yaml") == []
    (tmp_path / "beside.yaml").write_text("- published: {dataset: a}\n")
    with pytest.raises(DataError, match=r"beside\.yaml cannot be read"):
        read_aliases(tmp_path / "beside.yaml")
