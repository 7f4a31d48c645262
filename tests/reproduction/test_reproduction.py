import json
import shutil
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from mebench.cli import reproduce
from mebench.config import registry, resolve
from mebench.errors import ConfigError
from mebench.output.progress import Progress
from mebench.records.matching_published import measured_value
from mebench.records.published import find_published_folder, read_published
from mebench.reproduction import papers as reproduction
from mebench.reproduction.papers import CellResult, PaperCell, PaperRequest, PaperRun, read_paper
from mebench.reproduction.rescore import list_sources
from tests.helpers.run_folders import make_run

LEADERBOARDS = Path(__file__).parents[2] / "leaderboards"
TABLES = {"2": 17, "5": 108, "6": 9, "7": 15, "8": 18, "9": 12, "10": 8}
TINY = "synthetic dataset.subjects=3 dataset.videos=1 dataset.frames=120 dataset.size=64"


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No configuration, and so no dataset, of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="module")
def paper():
    return read_paper(LEADERBOARDS / "papers", "mean2022")


@pytest.fixture(scope="module")
def published():
    return read_published(LEADERBOARDS / "published.csv")


def table_of(**given):
    """The verb, for table 2 of MEAN unless another is asked for."""
    reproduce.reproduce_command(**{"paper": "mean2022", "table": "2", "leaderboards": str(LEADERBOARDS), **given})


def outcome(capsys, **given):
    table_of(**given, json="-")
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("table", TABLES)
def test_paper_cells_hold_every_published_value(paper, published, table):
    found = reproduction.paper_cells(paper, table, published)
    assert len(found) == TABLES[table]
    assert all(cell.words or cell.absent == "mebench has no such method" for cell in found)


def test_paper_cells_of_BoostingVRME_score_four_emotions(published):
    boosting = read_paper(LEADERBOARDS / "papers", "guo2025")
    cells = reproduction.paper_cells(boosting, "abstract", published)
    assert {cell.published.dataset: cell.published.value for cell in cells} == {"casme3": 0.0562, "samm_lv": 0.2}
    for cell in cells:
        config = resolve([*cell.words, f"convention={boosting.convention}"], [], [])
        classes = registry.load_plugin("dataset", config.dataset).schemes[config.scheme].classes
        assert set(classes) == {"negative", "positive", "surprise", "others"}


def test_paper_cells_of_Jia_say_why_none_is_run(published):
    cells = reproduction.paper_cells(read_paper(LEADERBOARDS / "papers", "jia2018"), "2", published)
    assert [cell.published.value for cell in cells] == [0.655, 0.426, 0.418, 0.366]
    assert all(cell.absent for cell in cells)


def test_paper_cells_words_are_a_configuration(paper, published):
    lines = {cell.words for table in TABLES for cell in reproduction.paper_cells(paper, table, published) if cell.words}
    for line in lines:
        config = resolve(list(line), [], [])
        assert config.dataset in paper.datasets
        scheme = registry.load_plugin("dataset", config.dataset).schemes[config.scheme]
        assert len(scheme.classes) == (5 if config.dataset == "casme2" else 3)


def test_reproduce_cells_without_datasets_says_so_in_every_cell(capsys):
    found = outcome(capsys, table="10")["cells"]
    assert [cell["why"] for cell in found] == ["absent: mebench has no such method"] * 4 + [
        "absent: meview is not here"
    ] * 4
    assert [cell["published"] for cell in found[4:]] == [0.4286, 0.519, 0.4592, 0.462]
    table_of(table="10")
    *_, count, hint, no_method, no_data = capsys.readouterr().out.splitlines()
    assert count == "0 of 8 cells measured."
    assert "roots:" in hint
    assert no_method == "- mebench has no such method (meview, 4 cells)"
    assert no_data.startswith("- meview needs its folder")
    assert no_data.endswith("(meview, 4 cells)")


def test_reproduce_cells_names_a_missing_dataset_once(capsys):
    table_of(table="5")
    text = capsys.readouterr().out
    needed = [line for line in text.splitlines() if " needs its folder" in line]
    assert len(needed) == len({line.split()[1] for line in needed}) == 6
    assert f"0 of {TABLES['5']} cells" in text
    assert sum(int(line.rpartition(", ")[2].split()[0]) for line in needed) == TABLES["5"]
    assert text.index("roots:") < text.index("needs its folder")
    assert "published" not in text


def test_reproduce_takes_wrong_words_for_no_missing_dataset():
    with pytest.raises(ConfigError, match=r"Did you mean 'method\.preset'"):
        table_of(words=("method.preste=short",))
    with pytest.raises(ConfigError, match=r"in the runs of optical_strain: .*with its name, such as mean\.epochs_spot"):
        table_of(table="2", words=("method.epochs_spot=1",))
    with pytest.raises(ConfigError, match="unknown table '3'"):
        table_of(table="3")
    with pytest.raises(ConfigError, match="Did you mean 'mean2022'"):
        table_of(paper="mean2023")
    with pytest.raises(ConfigError, match=r"--table N\. There are 2: "):
        table_of(table=None)
    with pytest.raises(ConfigError, match="name the folder with --leaderboards"):
        table_of(leaderboards="nowhere")


@pytest.fixture
def measured(paper, published, monkeypatch, tmp_path):
    """Cells of a table whose runs are those given, by dataset."""

    def of(table, **runs):
        def found(lines, request, progress):
            chosen = {}
            for line in lines:
                dataset = next(word.removeprefix("dataset=") for word in line if word.startswith("dataset="))
                chosen[line] = runs.get(dataset, PaperRun(None, f"{dataset} is not here"))
            return chosen

        monkeypatch.setattr(reproduction, "run_lines", found)
        return reproduction.reproduce_cells(
            paper, reproduction.paper_cells(paper, table, published), published, PaperRequest(), Progress()
        )

    return of


def test_reproduce_measures_by_rules_of_paper_and_strict_ones(measured, tmp_path):
    folder = make_run(tmp_path, dataset="casme2", shift=3)
    results = measured("5", casme2=PaperRun(folder))
    f1 = next(r for r in results if r.cell.published.path == ("spotting", "micro", "scores", "f1"))
    strict = folder.read_json("summary.json")["spotting"]["micro"]
    assert f1.run_id == folder.id
    assert f1.strict == strict["scores"]["f1"]["value"]
    value, low, high = f1.measured
    assert low <= value <= high
    assert "244 scored there, 16 here" in f1.why
    n = next(r for r in results if r.cell.published.path == ("spotting", "micro", "n"))
    assert (n.measured[0], n.strict) == (16, strict["tp"] + strict["fn"])


def test_reproduce_cells_explains_the_gap(measured, tmp_path):
    results = measured("5", casme2=PaperRun(make_run(tmp_path, dataset="casme2", shift=3)))
    by_path = {r.cell.published.path: r for r in results if r.cell.published.dataset == "casme2"}
    impossible = by_path["analysis", "true_positives", "scores", "uf1"].why
    assert "published value impossible" in impossible
    assert "no UF1 exceeds the F1 beside it" in impossible
    f1 = by_path["spotting", "micro", "scores", "f1"]
    value, low, high = f1.measured
    inside = low <= 0.6516 <= high
    assert f1.why.endswith("inside the interval: may be chance" if inside else "outside the interval: more than chance")
    assert f"{value - 0.6516:+.4f}" in f1.why


def test_reproduce_cells_counts_of_an_analysis_add_up(measured, tmp_path):
    results = measured("5", casme2=PaperRun(make_run(tmp_path, dataset="casme2")))
    counts = {
        r.cell.published.metric: r.measured[0]
        for r in results
        if r.cell.published.path[:2] == ("analysis", "true_positives")
        and len(r.cell.published.path) == 3
        and r.cell.published.dataset == "casme2"
    }
    assert counts["tp"] + counts["fp"] == counts["tp"] + counts["fn"] == counts["n"] > 0


def test_reproduce_cells_makes_no_comparison_with_a_stand_in(measured, tmp_path):
    results = measured("6", casme2=PaperRun(make_run(tmp_path), stands_in=True))
    assert all("replaces casme2" in r.why and "chance" not in r.why for r in results)


def test_reproduce_cells_calls_a_missing_score_absent(measured, published, tmp_path):
    folder = make_run(tmp_path, tasks=("spot",), dataset="casme2")
    results = measured("6", casme2=PaperRun(folder))
    by_task = {
        task: {r.measured is None for r in results if r.cell.published.task == task}
        for task in ("spotting", "analysis")
    }
    assert by_task == {"spotting": {False}, "analysis": {True}}
    strs = next(row for row in published if row.metric == "strs")
    assert measured_value(folder.read_json("summary.json"), strs) is None


@pytest.mark.parametrize(("sound", "code"), [(0, 1), (1, 5)])
def test_reproduce_cells_exits_by_runs_that_fail(monkeypatch, capsys, tmp_path, sound, code):
    def fails(lines, request, progress):
        failed = PaperRun(None, "its run failed", "a fold failed", failed=True)
        return {line: PaperRun(make_run(tmp_path)) if n < sound else failed for n, line in enumerate(lines)}

    monkeypatch.setattr(reproduction, "run_lines", fails)
    with pytest.raises(typer.Exit) as stop:
        table_of(table="6")
    assert stop.value.exit_code == code
    assert "- a fold failed" in capsys.readouterr().out


def test_reproduce_cells_of_stand_in_shares_runs_among_cells(capsys, tmp_path):
    here = tmp_path / "leaderboards"
    (here / "papers").mkdir(parents=True)
    shutil.copy(LEADERBOARDS / "published.csv", here)
    content = yaml.safe_load((LEADERBOARDS / "papers" / "mean2022.yaml").read_text())
    for row in content["tables"][6]["rows"]:
        row["run"] = "method=random method.draws=2"  # quick
    (here / "papers" / "quick.yaml").write_text(yaml.safe_dump(content))
    words = ("workers=1", "bootstrap=20", f"cache={tmp_path / 'cache'}")
    first, again = (
        outcome(capsys, paper="quick", table="6", stand_in=TINY, words=words, leaderboards=str(here)) for _ in range(2)
    )
    assert again == first
    (folder,) = (tmp_path / "runs").iterdir()
    spotted = [cell for cell in first["cells"] if cell["task"] == "spotting"]
    assert {cell["run_id"] for cell in spotted} == {folder.name}
    assert len({cell["measured"]["value"] for cell in spotted}) == 1


def test_reproduce_cells_finds_its_files_in_a_wheel(monkeypatch, capsys, tmp_path):
    """What `pyproject.toml` puts into it lies beside the package's own files, where no checkout is."""
    wheel = tomllib.loads((LEADERBOARDS.parent / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    assert wheel["sources"]["leaderboards"] == "mebench/leaderboards"
    package = tmp_path / "site-packages" / "mebench"
    package.mkdir(parents=True)
    for place in (name for name in wheel["only-include"] if name.startswith("leaderboards/")):
        source, target = LEADERBOARDS.parent / place, package / place
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    monkeypatch.setattr("mebench._installation.ROOT", package.parent)
    monkeypatch.setattr("mebench._installation.PACKAGE", package)
    assert len(outcome(capsys, table="5", dry_run=True, leaderboards=None)["cells"]) == TABLES["5"]
    assert list_sources(find_published_folder(None) / "rescored") == list_sources(LEADERBOARDS / "rescored")


def test_reproduce_cells_dry_run_says_what_it_would_run(capsys, tmp_path):
    found = outcome(capsys, table="6", stand_in=TINY, dry_run=True, words=("method.flow=dis",))
    assert {cell["why"] for cell in found["cells"]} == {"absent: not run yet"}
    assert not (tmp_path / "runs").exists()
    table_of(table="6", stand_in=TINY, dry_run=True, words=("method.flow=dis",))
    text = capsys.readouterr().out
    assert "0 of 9 cells measured." in text
    assert "it would be: mebench run method=mean method.preset=paper" in text
    assert "roots:" not in text
    assert "strict rules" not in text


def test_reproduce_takes_settings_of_one_method(capsys):
    table_of(table="6", stand_in=TINY, dry_run=True, words=("mean.flow=dis",))
    text = capsys.readouterr().out
    assert "method=mean method.preset=paper" in text
    assert "method.flow=dis" in text


def test_selection_gains_table_has_a_row_for_each_method(tmp_path, capsys):
    """On drawn maps: both numbers of one training, and the best of the settings that the file names."""
    from mebench.datasets.megc2019_flow import dataset as megc2019_flow

    megc2019_flow.Megc2019Flow.write_fake_tree(tmp_path / "maps")
    boards = tmp_path / "boards"
    shutil.copytree(LEADERBOARDS / "papers", boards / "papers")
    shutil.copy(LEADERBOARDS / "published.csv", boards)
    file = boards / "papers" / "megc2019.yaml"
    content = yaml.safe_load(file.read_text())
    row = next(row for row in content["tables"][2]["rows"] if row["method"] == "STSTNet")
    row["run"] = "method=logistic method.epochs=2 audit=leak"
    row["settings"] = {"method.lr": ["1e-4", "1e-2"]}
    content["tables"][2]["rows"] = [row]
    file.write_text(yaml.safe_dump(content))
    words = [f"dataset.root={tmp_path / 'maps'}", f"cache={tmp_path / 'cache'}", "workers=1", "bootstrap=20"]
    reproduce.reproduce_command(paper="megc2019", words=words, settings=True, leaderboards=str(boards), json="out.json")
    printed = capsys.readouterr().out
    every = json.loads(Path("out.json").read_text())["cells"]
    found = next(c for c in every if c["method"] == "STSTNet" and c["metric"] == "uf1" and c["published"] == 0.7353)
    assert found["measured"]["value"] == found["honest"] <= found["leaking"]  # its program does not leak
    assert found["worth"]["looks"]["most"] == 2
    assert found["program"] == "takes the last of 800 epochs"
    best = found["best_of"]
    assert best["of"] == 2
    assert best["default"] == found["honest"]
    assert best["difference"]["value"] == pytest.approx(best["uf1"] - best["default"])
    assert "STSTNet\t2019\t0.7353\t" in printed
    assert "STSTNet, best of 2 settings" in printed
    for run in Path("runs").glob("*-loso-seed0-*"):
        if "-leak-" not in run.name:  # what its leaking run says is read beside it, so both are made again
            shutil.rmtree(run)
    reproduce.reproduce_command(paper="megc2019", words=words, leaderboards=str(boards))
    lines = [
        [line for line in text.splitlines() if line.startswith("STSTNet\t2019")]
        for text in (printed, capsys.readouterr().out)
    ]
    assert lines[0] == lines[1] != []


def test_selection_gains_table_has_dashes_without_interval():
    """As of three people, or of a class with few clips."""
    published = next(
        row
        for row in read_published(LEADERBOARDS / "published.csv")
        if row.method == "STSTNet" and row.metric == "uf1" and not row.member
    )
    gain = {"value": 0.176, "low": None, "high": None, "reason": "a difference takes at least 4 subjects"}
    worth = {"looks": {"least": 2, "most": 2}, "differences": {"recognition.uf1": gain}}
    best = {"of": 2, "uf1": 0.8, "default": None, "difference": gain}
    found = CellResult(
        PaperCell(published, None, ""),
        (0.7, None, None),
        0.7,
        "run",
        leaking=0.8,
        honest=0.7,
        worth=worth,
        best_of=best,
    )

    rows = reproduce.worth_rows([found])
    assert [row[5] for row in rows] == ["+0.176 [–, –]"] * 2
    assert [row[3:5] for row in rows] == [("0.8000", "0.7000"), ("0.8000", "–")]
