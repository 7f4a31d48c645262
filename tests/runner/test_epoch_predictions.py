"""One training serves the honest run and its leak: what the leak keeps follows from the answers after each epoch."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from mebench.datasets.megc2019_flow import dataset
from sklearn.metrics import f1_score

from mebench import inference
from mebench.config import resolve
from mebench.errors import RunError
from mebench.inference.predict import fitted_method
from mebench.output.progress import Progress
from mebench.runner import FittedMethod, selection_worth
from mebench.runner.execute import InterruptedRunError, execute_run, leak_gain
from mebench.runner.session import Session
from mebench.runs import RunFolder

LEADERBOARDS = Path(__file__).parents[2] / "leaderboards"


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    folder = tmp_path_factory.mktemp("looks")
    dataset.Megc2019Flow.write_fake_tree(folder / "maps")
    places = [
        f"dataset.root={folder / 'maps'}",
        f"runs={folder / 'runs'}",
        f"cache={folder / 'cache'}",
        "tracking=null",
    ]
    return ["method=logistic", "method.epochs=4", "dataset=megc2019_flow", "bootstrap=50", "workers=1", *places]


@pytest.fixture(scope="module")
def outcome(words):
    config = resolve([*words, "audit=leak_last"])
    found = execute_run(config, Progress())
    return found, leak_gain(config, found.summary, Progress())


def looks_of(folder):
    files = sorted(folder.path.glob("folds/*/looks.parquet"))
    table = pd.concat([pd.read_parquet(file) for file in files])
    truth = folder.read_table("truth.parquet").set_index("video")["emotion"]
    classes = np.array(folder.read_json("folds.json")["classes"])
    answers = classes[np.stack(table["probabilities"]).argmax(1)]
    return table.assign(answer=answers, truth=table["video"].map(truth), subject=table["fold"])


def test_leak_and_its_curve_equal_a_loop_over_answers(outcome, words, monkeypatch):
    found, gain = outcome
    honest = type(found.folder)(found.folder.path.with_name(gain["honest"]))
    assert honest.read_json("config.json")["origins"]["audit"] == "default", "its row shows no setting of an audit"
    looks = looks_of(honest)

    def uf1_of_the_best(n):
        kept = []
        for _, own in looks[looks["epoch"] < n].groupby("subject"):
            accuracy = (own["answer"] == own["truth"]).groupby(own["epoch"]).mean()
            best = max(epoch for epoch in accuracy.index if accuracy[epoch] == accuracy.max())
            kept.append(own[own["epoch"] == best])
        kept = pd.concat(kept)
        return kept, f1_score(kept["truth"], kept["answer"], average="macro")

    kept, uf1 = uf1_of_the_best(4)
    leaking = found.folder.read_table("clips.parquet").set_index("video")["predicted"]
    assert leaking.to_dict() == kept.set_index("video")["answer"].to_dict()
    assert gain["scores"]["recognition.uf1"]["leak"] == pytest.approx(uf1)
    assert gain["differences"]["recognition.uf1"]["value"] == pytest.approx(
        uf1 - gain["scores"]["recognition.uf1"]["honest"]
    )
    assert [point["looks"] for point in gain["curve"]] == [1, 2, 3, 4]
    assert [point["uf1_leak"] for point in gain["curve"]] == pytest.approx(
        [uf1_of_the_best(n)[1] for n in (1, 2, 3, 4)]
    )
    last = looks[looks["epoch"] == 3]
    assert gain["curve"][-1]["uf1_honest"] == pytest.approx(f1_score(last["truth"], last["answer"], average="macro"))
    assert gain["looks"] == {"least": 4, "mean": 4.0, "most": 4}
    assert gain["rule"] == "leak_last"
    assert found.folder.id.rpartition("-")[0].endswith("seed0-leak-last")

    monkeypatch.setattr(FittedMethod, "fit", None)  # another rule trains nothing
    first = execute_run(resolve([*words, "audit=leak_stop"]), Progress())
    assert selection_worth.worth_in_audit(first.folder.read_json("audit.json"))["honest"] == honest.id
    with pytest.raises(RunError, match=r"leaks \(audit=leak_stop\) and keeps no weights"):
        fitted_method(inference.models.models_of_run(first.folder)[0])


def test_looks_change_nothing_of_the_honest_run(outcome, words):
    found, gain = outcome
    plain = execute_run(resolve(words), Progress()).folder
    honest = type(found.folder)(found.folder.path.with_name(gain["honest"]))
    assert plain.id != honest.id
    assert not list(plain.path.glob("folds/*/looks.parquet"))
    pd.testing.assert_frame_equal(plain.read_table("clips.parquet"), honest.read_table("clips.parquet"))
    one, other = (next(iter(sorted(f.path.glob("folds/*/model.safetensors")))).read_bytes() for f in (plain, honest))
    assert one == other
    assert honest.read_json("audit.json")["selection"] == "fixed"
    assert found.folder.read_json("audit.json")["selection"] == "test"


def test_leak_trains_folds_without_looks_again(words, tmp_path, monkeypatch):
    """Those of an honest run that was stopped; the leaking run goes on with the same folder."""
    own = [*words, f"runs={tmp_path}"]
    with monkeypatch.context() as stopped:
        keep = Session.store_fold

        def two(session, fold, outcome):
            stored = keep(session, fold, outcome)
            if len(session.folder.finished_folds()) == 2:
                raise KeyboardInterrupt
            return stored

        stopped.setattr(Session, "store_fold", two)
        with pytest.raises(InterruptedRunError, match="2 of 6 folds are finished"):
            execute_run(resolve(own), Progress())
    (honest,) = tmp_path.iterdir()
    found = execute_run(resolve([*own, "audit=leak"]), Progress())
    assert selection_worth.worth_in_audit(found.folder.read_json("audit.json"))["honest"] == honest.name
    assert len(list(honest.glob("folds/*/looks.parquet"))) == len(list(honest.glob("folds/*"))) == 6
    assert {path.name for path in tmp_path.iterdir()} == {honest.name, found.folder.id}


def test_leak_that_is_stopped_goes_on_by_the_same_command(words, tmp_path, monkeypatch):
    """It is the honest run beside it that is trained; gone on with by itself, it would finish alone."""

    def stop(session, fold, outcome):
        raise KeyboardInterrupt

    own = resolve([*words, f"runs={tmp_path}", "audit=leak"])
    with monkeypatch.context() as stopped:
        stopped.setattr(Session, "store_fold", stop)
        with pytest.raises(
            InterruptedRunError, match=r"folds are finished and kept in .*\. Give the same command again to continue$"
        ):
            execute_run(own, Progress())
    assert "-leak-" in execute_run(own, Progress()).folder.id
    assert len(list(tmp_path.glob("*/DONE"))) == 2


def test_leak_ignores_later_runs_without_looks(words, tmp_path, monkeypatch):
    own = [*words, f"runs={tmp_path}"]
    first = execute_run(resolve([*own, "looks=true"]), Progress()).folder
    assert execute_run(resolve(own), Progress()).folder.id == f"{first.id}.2"
    monkeypatch.setattr(FittedMethod, "fit", None)  # nothing is trained
    found = execute_run(resolve([*own, "audit=leak"]), Progress())
    assert selection_worth.worth_in_audit(found.folder.read_json("audit.json"))["honest"] == first.id


def test_chosen_keeps_an_epoch_without_any_right_answer():
    assert selection_worth.choose_epoch(np.zeros((3, 2), bool), "leak_stop") == (0, 3)


def written(folder, truths, answers, scored_each=False):
    """The looks of a run that names a or b, and could name c, which nobody shows.

    Args:
        truths: rows of video, onset, offset and class.
        answers: for each fold, which tests one video, its rows of epoch, onset, offset and the probability of a.
        scored_each: whether the protocol scores each fold by itself.
    """
    run_folder = RunFolder(folder / "run")
    run_folder.path.mkdir()
    run_folder.write_table("videos.parquet", pd.DataFrame({"video": list(answers), "subject": list(answers)}))
    table = pd.DataFrame(truths, columns=["video", "onset", "offset", "emotion"])
    run_folder.write_table("truth.parquet", table.assign(kind="micro"))
    for fold, rows in answers.items():
        (run_folder.path / "folds" / fold).mkdir(parents=True)
        known = pd.DataFrame(rows, columns=["epoch", "onset", "offset", "p"]).assign(fold=fold, video=fold)
        known["probabilities"] = [[p, 1 - p, 0.0] for p in known.pop("p")]
        run_folder.write_table(f"folds/{fold}/looks.parquet", known)
    return selection_worth.EpochPredictions(
        run_folder,
        SimpleNamespace(
            folds=[SimpleNamespace(key=fold) for fold in answers],
            task=SimpleNamespace(classes=("a", "b", "c")),
            skipped={},
            tested_videos=lambda _: [],
            scored_each=scored_each,
        ),
    )


def test_curve_of_each_fold_scored_is_the_mean_over_folds(tmp_path):
    truths = [("v1", 1, 5, "a"), ("v1", 7, 9, "b"), *(("v2", n, n + 5, "a") for n in (10, 20, 30, 40))]
    answers = {
        "v1": [(0, 1, 5, 0.2), (0, 7, 9, 0.2), (1, 1, 5, 0.9), (1, 7, 9, 0.2)],
        "v2": [(epoch, n, n + 5, 0.9 if n < 40 else 0.1) for epoch in (0, 1) for n in (10, 20, 30, 40)],
    }
    for scored_each, expected in (
        (True, [(0.5 + 0.75) / 2, (1 + 0.75) / 2]),
        (False, [(3 / 5 + 1) / 2, (4 / 5 + 1) / 2]),
    ):
        place = tmp_path / str(scored_each)
        place.mkdir()
        looks = written(place, truths, answers, scored_each)
        assert [point["uar_leak"] for point in selection_worth.epoch_curve(looks, "leak")] == pytest.approx(expected)


def test_curve_skips_people_without_scored_clips(tmp_path):
    truths = [("v1", 1, 5, "a"), ("v1", 7, 9, "b"), ("v2", 1, 5, None)]
    answers = {"v1": [(0, 1, 5, 0.2), (0, 7, 9, 0.2), (1, 1, 5, 0.9), (1, 7, 9, 0.2)], "v2": []}
    looks = written(tmp_path, truths, answers)
    assert [
        (point["looks"], point["uar_honest"], point["uar_leak"]) for point in selection_worth.epoch_curve(looks, "leak")
    ] == [
        (1, 0.5, 0.5),
        (2, 1.0, 1.0),
    ]
    kept = {key: (len(clips), numbers.tolist()) for key, clips, numbers, _ in looks.pick_epochs("leak")}
    assert kept == {"v1": (2, [[0.9, pytest.approx(0.1), 0.0], [0.2, 0.8, 0.0]]), "v2": (0, [])}


def test_curve_gives_two_annotations_of_an_interval_one_answer(tmp_path):
    """Of different classes, so that one of them is always wrong; the answer to it that was asked first holds."""
    truths = [("v1", 1, 5, "a"), ("v1", 1, 5, "b"), ("v1", 7, 9, "b")]
    answers = [(0, 1, 5, 0.8), (0, 1, 5, 0.7), (0, 7, 9, 0.9), (1, 1, 5, 0.6), (1, 1, 5, 0.3), (1, 7, 9, 0.1)]
    looks = written(tmp_path, truths, {"v1": answers})
    ((_, clips, kept, looked),) = looks.pick_epochs("leak")
    assert clips["truth"].tolist() == [0, 1, 1]
    assert looked == [2]
    np.testing.assert_allclose(kept[:, 0], [0.6, 0.6, 0.1])  # 2 of 3 are right in the second epoch, 1 in the first
    assert [point["uar_leak"] for point in selection_worth.epoch_curve(looks, "leak")] == pytest.approx([0.5, 0.75])


def test_selection_gains_table_has_a_row_for_the_leaking_run(outcome, tmp_path):
    """Its method is no paper's, so nothing published stands beside it."""
    from mebench.boards.selection_gains import selection_gains, table_of_gains
    from mebench.boards.table_files import selection_texts
    from mebench.intake import export as boards_export
    from mebench.records import record as records_record

    found, gain = outcome
    record = records_record.read_record(type(found.folder)(boards_export.export_record(found.folder, tmp_path)))
    gains = selection_gains([record], {}, [])
    (cells,) = table_of_gains(gains).plain()
    score = gain["scores"]["recognition.uf1"]
    assert (cells["leaking"], cells["honest"]) == (f"{score['leak']:.3f}", f"{score['honest']:.3f}")
    assert (cells["candidates"], cells["seeds"], cells["published"]) == ("4", "0", "–")
    assert cells["method"].startswith("logistic")
    assert "audit=leak_last" in cells["method"]
    page = selection_texts(gains)["md"]
    assert "# What selection is worth" in page
    assert f"{score['leak']:.3f} | {score['honest']:.3f}" in page


def test_selection_gains_table_shows_equal_published_values(outcome, tmp_path):
    from mebench.boards.selection_gains import selection_gains, table_of_gains
    from mebench.intake import export as boards_export
    from mebench.records import record as records_record
    from mebench.records.matching_published import read_aliases
    from mebench.records.published import read_published as published_values
    from mebench.reproduction.board_rows import printed_programs
    from mebench.reproduction.papers import read_paper

    paper = read_paper(LEADERBOARDS / "papers", "megc2019")
    (program,) = (row for row in paper.tables["2"].rows if row.method == "STSTNet")
    rows = (replace(program, run=("method=logistic",)),)
    papers = [replace(paper, tables={"2": replace(paper.tables["2"], rows=rows)})]
    whole = records_record.read_record(
        type(outcome[0].folder)(boards_export.export_record(outcome[0].folder, tmp_path))
    )
    some = replace(whole, config={**whole.config, "protocol": "loso_named", "protocol.test": ["s01", "006"]})
    values = published_values(LEADERBOARDS / "published.csv")
    aliases = read_aliases(LEADERBOARDS / "beside.yaml")
    rows = table_of_gains(selection_gains([whole, some], printed_programs(papers, values), aliases)).plain()
    assert [(row["dataset"], row["published"], row["year"], row["the paper's program"]) for row in rows] == [
        ("megc2019_flow", "0.7353", "2019", "takes the last of 800 epochs"),
        ("megc2019_flow, loso_named (test=[s01, 006])", "–", "2019", "takes the last of 800 epochs"),
    ]


def test_selection_gains_table_names_programs_too_long_to_run(outcome, tmp_path):
    from mebench.boards.selection_gains import selection_gains, table_of_gains
    from mebench.intake import export as boards_export
    from mebench.records import record as records_record
    from mebench.records.published import read_published as published_values
    from mebench.reproduction.board_rows import printed_programs
    from mebench.reproduction.papers import paper_cells, read_paper

    paper = read_paper(LEADERBOARDS / "papers", "megc2019")
    values = published_values(LEADERBOARDS / "published.csv")
    assert {cell.words for cell in paper_cells(paper, "README", values)} == {None}, "nobody waits a day for a table"
    record = records_record.read_record(
        type(outcome[0].folder)(boards_export.export_record(outcome[0].folder, tmp_path))
    )
    long = replace(record, config={**record.config, "method": "causalnet"})
    (row,) = table_of_gains(selection_gains([long], printed_programs([paper], values), [])).plain()
    assert row["year"] == "2025"
    assert row["the paper's program"].startswith(
        "keeps for each tested subject the epoch of its best test accuracy among 200"
    )


def test_selection_gains_table_counts_candidates_of_all_runs(outcome, tmp_path):
    """Who stops each fold when it is at its best looks as often as that takes, which differs between seeds."""
    from mebench.boards.selection_gains import selection_gains, table_of_gains
    from mebench.intake import export as boards_export
    from mebench.records import record as records_record

    record = records_record.read_record(
        type(outcome[0].folder)(boards_export.export_record(outcome[0].folder, tmp_path))
    )
    audits = [deepcopy(record.audit) for _ in range(2)]
    for audit, (least, most) in zip(audits, [(1, 4), (2, 6)]):
        selection_worth.worth_in_audit(audit)["looks"] |= {"least": least, "most": most}
    runs = [replace(record, config={**record.config, "seed": seed}, audit=audit) for seed, audit in enumerate(audits)]
    for order in (runs, runs[::-1]):
        (cells,) = table_of_gains(selection_gains(order, {}, [])).plain()
        assert (cells["candidates"], cells["seeds"]) == ("1 to 6", "0, 1")


def test_leak_of_a_spotter_equals_a_loop_over_thresholds(moody):
    """Beside a loop over all pairs of an epoch and a threshold that pairs intervals by hand."""
    config = resolve(moody("method=drifter", "kinds=[micro,macro]", "audit=leak", "tracking=null"))
    found = execute_run(config, Progress())
    gain = leak_gain(config, found.summary, Progress())
    honest = RunFolder(found.folder.path.with_name(gain["honest"]))
    table = pd.concat(pd.read_parquet(file) for file in honest.path.glob("folds/*/looks.parquet"))
    truth = honest.read_table("truth.parquet")
    people = honest.read_table("videos.parquet").set_index("video")["subject"]

    def with_hits(spotted):
        """A video has one truth of each kind."""
        both = spotted.merge(truth[["video", "kind", "onset", "offset"]], on=["video", "kind"], suffixes=("", "_true"))
        assert len(both) == len(spotted)
        shared = both[["offset", "offset_true"]].min(axis=1) - both[["onset", "onset_true"]].max(axis=1) + 1
        union = both[["offset", "offset_true"]].max(axis=1) - both[["onset", "onset_true"]].min(axis=1) + 1
        return both.assign(hit=2 * shared.clip(lower=0) >= union)

    def f1(spotted, true):
        """Truths with a hit are true positives."""
        hits = spotted[spotted["hit"]]
        return 2 * len({*zip(hits["video"], hits["kind"])}) / (len(spotted) + len(true))

    table = with_hits(table)
    confidences = np.unique(np.quantile(table["confidence"], np.linspace(0, 1, selection_worth.CUTS), method="lower"))
    kept = []
    for person in dict.fromkeys(people):
        own, true = (t[t["video"].map(people) == person] for t in (table, truth))
        pairs = [(epoch, cut) for epoch in range(4) for cut in confidences]
        choices = [own[(own["epoch"] == epoch) & (own["confidence"] >= cut)] for epoch, cut in pairs]
        kept.append(max(choices, key=lambda spotted: f1(spotted, true)))
    columns = ["video", "kind", "onset", "offset", "confidence"]
    leaking = with_hits(found.folder.read_table("predictions.parquet"))
    expected = pd.concat(kept)[columns].sort_values(columns, ignore_index=True)
    pd.testing.assert_frame_equal(leaking[columns].sort_values(columns, ignore_index=True), expected)
    score = gain["scores"]["spotting.overall.f1"]
    assert score["leak"] == pytest.approx(f1(leaking, truth))
    assert score["leak"] > score["honest"]
    assert gain["looks"]["most"] == 4 * len(confidences)
    last = gain["curve"][-1]
    assert (last["f1_leak"], last["f1_honest"]) == pytest.approx((score["leak"], score["honest"]))
    alone = gain["epoch_alone"]["spotting.overall.f1"]["value"]
    assert 0 <= alone <= gain["differences"]["spotting.overall.f1"]["value"]
    lengths = [v for v in found.folder.read_json("audit.json")["values"] if v["name"] == "k_prime"]
    assert lengths[0]["saw"] == "train", "only the choice leaks"
