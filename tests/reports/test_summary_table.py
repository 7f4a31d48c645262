"""What a person reads of a run: the main scores on few lines; or every score, whole lines, and what to know about them."""

import pytest

from mebench.metrics import catalogue
from mebench.output.number_format import format_number
from mebench.reports.scores import MOST_LINES, print_outcome
from tests.helpers.run_folders import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs"), "mean", members=("smic", "samm"), settings={"method.p": 0.6})


def lines(run, capsys, tracked=None, verbose=True, **given):
    print_outcome(run, run.read_json("summary.json"), tracked, verbose, **given)
    return capsys.readouterr().out.splitlines()


def test_print_outcome_has_every_score(run, capsys):
    summary = run.read_json("summary.json")
    shown = lines(run, capsys)
    for name, score in summary["recognition"]["scores"].items():
        ends = f"[{score['low']:.4f}, {score['high']:.4f}]"
        assert any(
            line.split() == [*catalogue.find_metric(name).label.split(), f"{score['value']:.4f}", *ends.split()]
            for line in shown
        )
    for rule, words in (("as_many", "as many as truths"), ("best_rate", "best rate")):
        (line,) = (line for line in shown if f"F1 of random, {words}" in line)
        score = summary["chance"]["micro"][rule]["f1"]
        assert line.split()[-3:] == [f"{score['value']:.4f}", f"[{score['low']:.4f},", f"{score['high']:.4f}]"]
    assert any(
        "F1" in line and format_number(summary["spotting"]["micro"]["scores"]["f1"]["value"]) in line for line in shown
    )


def test_print_outcome_has_row_for_each_member(run, capsys):
    shown = [line.split() for line in lines(run, capsys) if line.strip().startswith(("smic ", "samm "))]
    rows = [row[:3] for row in shown if row[1].isdigit()]
    subjects = {s for fold in run.read_json("folds.json")["folds"] for s in fold["test"]}
    members = run.read_json("summary.json")["recognition"]["members"]
    for member, (shown_member, n_subjects, n_clips) in zip(("samm", "smic"), rows, strict=True):
        assert shown_member == member
        assert int(n_subjects) == sum(s.startswith(member) for s in subjects)
        assert int(n_clips) == members[member]["n"]
    for row in shown:
        if row[1].isdigit():
            scores = [format_number(members[row[0]]["scores"][name]["value"]) for name in ("uf1", "uar")]
            without_ends = [cell for cell in row[3:] if not cell.startswith("[") and not cell.endswith("]")]
            assert [cell for cell in without_ends if cell != "-"] == scores


def test_print_outcome_has_row_for_each_class_and_person(run, capsys):
    rows = {tuple(line.split()[:2]): line.split()[2:] for line in lines(run, capsys) if line.strip()}
    clips = run.read_table("clips.parquet")
    people = clips["video"].str.rpartition("/")[0].value_counts()
    assert all((person, str(n)) in rows for person, n in people.items())
    truths = run.read_table("truth.parquet").query("kind == 'micro'")["emotion"].value_counts()
    for name, n in truths.items():
        named = str((clips["predicted"] == name).sum())
        assert rows[name, str(n)][1] == named
    assert not any("wrong clips" in line for line in lines(run, capsys, verbose=False))


def test_print_outcome_has_row_for_dataset_and_kind(run, capsys):
    shown = [line.split() for line in lines(run, capsys) if line.strip().startswith(("smic", "samm"))]
    members = run.read_json("summary.json")["members"]
    for name, part in members.items():
        for kind, found in part["spotting"].items():
            counts = [str(found[count]) for count in ("tp", "fp", "fn")]
            assert any(row[:5] == [name, kind, *counts] for row in shown)


def test_print_outcome_names_convention_settings_folder(run, capsys):
    text = "\n".join(lines(run, capsys, "mlflow.db"))
    assert "convention strict" in text
    assert "95 % intervals over " in text
    assert "settings that differ from the defaults: p=0.6" in text
    assert "selection: fixed (" in text
    assert "transductive: none (" in text
    assert f"run folder: {run.path}" in text
    assert "MLflow: mlflow.db" in text


def test_print_outcome_has_dash_for_undefined():
    assert format_number(None) == "-"
    assert format_number(0.12345) == "0.1235"
    assert format_number(9.6, places=1) == "9.6"


# In short


def test_print_outcome_begins_with_main_scores(tmp_path, capsys):
    """A run of everything that runs can be: both kinds, all tasks, five databases, and a warning."""
    names = ("casme2", "smic", "samm", "mmew", "dfme")
    run = make_run(tmp_path, "all", members=names, kinds=("micro", "macro"), shift=5, subjects=10)
    shown = lines(run, capsys, "mlflow ui", verbose=False)
    assert len(shown) <= MOST_LINES == 25
    summary = run.read_json("summary.json")
    for kind in ("micro", "macro", "overall"):
        score, part = summary["spotting"][kind]["scores"]["f1"], summary["spotting"][kind]
        (line,) = (line for line in shown if line.startswith(f" spotting, {kind}: F1"))
        assert f"{score['value']:.4f}   [{score['low']:.4f}, {score['high']:.4f}]" in line
        assert f"{part['tp']} TP, {part['fp']} FP, {part['fn']} FN" in line
    assert shown[3].startswith(" ─")
    assert shown[4].startswith(" spotting, micro: F1")
    assert sum(line.startswith("convention strict; 95 % intervals") for line in shown) == 1
    assert "any expression" not in "".join(shown)  # the whole convention is for those who ask
    assert shown[-1] == f"all scores, with remarks: mebench runs show {run.path} -v"


def test_print_outcome_has_chance_and_databases(run, capsys):
    summary = run.read_json("summary.json")
    shown = lines(run, capsys, verbose=False)
    best = max(row["f1"]["value"] for row in summary["chance"]["micro"].values())
    (line,) = (line for line in shown if line.startswith(" spotting, micro: F1 "))
    assert f"]   {best:.4f}   " in line
    assert any(line.startswith("chance: random intervals for spotting") for line in shown)
    for name, part in summary["recognition"]["members"].items():
        (line,) = (line for line in shown if line.startswith(f" recognition, {name}: UF1"))
        assert f"{part['scores']['uf1']['value']:.4f}" in line
        assert f"{part['n']} annotated clips" in line


@pytest.mark.parametrize("verbose", [False, True])
def test_print_outcome_of_recognizer_has_no_spotting(tmp_path, capsys, verbose):
    run = make_run(tmp_path, "names", tasks=("recognize",))
    text = "\n".join(lines(run, capsys, verbose=verbose))
    assert "UF1" in text
    assert "95 % intervals over " in text
    for word in ("convention", "IoU", "spotting"):
        assert word not in text


@pytest.mark.parametrize("verbose", [False, True])
def test_print_outcome_repeats_no_warning(tmp_path, capsys, verbose):
    run = make_run(tmp_path, "warned")
    run.write_json("folds.json", {**run.read_json("folds.json"), "warnings": ["two people share a face"]})
    counts = [
        "\n".join(lines(run, capsys, verbose=verbose, announced=announced)).count("share a face")
        for announced in (False, True)
    ]
    assert counts == [1, 0]
