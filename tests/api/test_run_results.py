"""Runs from Python: equal to those of the command, read again as data frames, in threads, in notebooks."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, strategies as st

import mebench
from mebench.config import combinations, resolve, settings_of
from mebench.errors import ConfigError, DataError, PluginError, RunError
from mebench.metrics.summary import summarize
from mebench.output.progress import Silent
from mebench.tracking import send
from tests.cli.conftest import mebench as command  # noqa: F401
from tests.helpers.run_folders import call_fold, make_run

pytestmark = pytest.mark.usefixtures("untracked")
PATH = {**os.environ, "PYTHONPATH": str(Path(mebench.__file__).parent.parent)}
LIGHT = """
import sys
before = set(sys.modules)
import mebench
for name in set(mebench.__all__) - {"MEDataModule", "score_folds"}:  # they are about a class of Lightning's
    getattr(mebench, name)
print(*sorted(set(sys.modules) - before))
"""


def test_mebench_import_is_light():
    """Few modules, and none of a package but the lazy loader and one of a millisecond: below .3 s, whatever the machine does."""
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True, env=PATH)
    names = done.stdout.split()
    assert {name.partition(".")[0] for name in names} <= {
        "mebench",
        "lazy_loader",
        "markupsafe",
        *sys.stdlib_module_names,
    }
    assert len(names) < 150


def test_mebench_public_names_are_documented():
    for name in mebench.__all__:
        assert getattr(mebench, name).__doc__, name
    assert set(mebench.__all__) <= set(dir(mebench))
    with pytest.raises(AttributeError, match="no attribute 'rum'"):
        mebench.rum  # noqa: B018


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["method=random", "tracking=mlfow"], "unknown tracker 'mlfow'. Did you mean 'mlflow'"),
        (["method=mean", "method.weights=/nowhere"], "method.weights=/nowhere does not exist: check the path"),
    ],
)
def test_run_checks_first_what_only_its_end_needs(tmp_path, monkeypatch, words, message):
    monkeypatch.setattr("mebench.runner.prepare.prepare_features", lambda *_: pytest.fail("the run has begun"))
    words = [*words, "dataset=synthetic", "dataset.preset=tiny", f"runs={tmp_path}", "workers=1"]
    with pytest.raises(ConfigError, match=re.escape(message)):
        mebench.run(*words, progress=Silent())
    with pytest.raises(ConfigError, match=re.escape(message)):
        mebench.sweep(*words, seeds=[0, 1], progress=Silent())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="module")
def ran(place, tiny):
    """A run from Python in another thread than the main one."""
    found = []
    words = {"method": "optical_strain", "runs": place / "runs", "workers": 1, "bootstrap": 50, "seed": 3}
    thread = threading.Thread(
        target=lambda: found.append(mebench.run(*tiny, "tracking=none", progress=Silent(), **words))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setattr(send, "send_all", lambda *_: send.Synced())
        thread.start()
        thread.join()
    return found[0]


def test_run_equals_that_of_the_command(ran, place, tiny, command, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    words = ["method=optical_strain", *tiny, "workers=1", "bootstrap=50", "seed=3"]
    code, out, _ = command("run", *words, "--json", "-")
    assert code == 0
    theirs = json.loads(out)
    assert {**theirs, "seconds": 0} == {**ran.summary, "seconds": 0, "account": ran.account}
    (expressions,) = ran.account
    assert (expressions["source"], expressions["unit"]) == ("dataset", "expression")
    assert expressions["held"] == expressions["taken"] >= len(ran.truth)


def test_run_gives_data_frames(ran):
    assert ran.title.startswith("optical_strain on synthetic under loso, seed 3")
    assert ran.scores.loc["spotting.micro.f1", "value"] == ran.summary["spotting"]["micro"]["scores"]["f1"]["value"]
    assert list(ran.scores)[:4] == ["value", "low", "high", "reason"]
    assert tuple(ran.scores.loc["spotting.micro.f1", ["task", "part", "metric"]]) == ("spotting", "micro", "f1")
    assert set(ran.predictions["video"]) <= set(ran.videos["video"])
    assert (ran.truth["onset"] <= ran.truth["offset"]).all()
    scored = ran.frame_scores.groupby("video")["frame"]
    assert (scored.max() == ran.videos.set_index("video")["n_frames"] - 1).all()
    assert (scored.min() == 0).all()
    assert list(ran.folds["n_train"]) == [2, 2, 2]
    assert (ran.folds["predict_seconds"] > 0).all()
    assert ran.clips.empty
    assert ran.history.empty
    assert ran.config["method"] == "optical_strain"
    assert ran.config["dataset.subjects"] == 3
    assert "F1 micro" in repr(ran)


def test_run_leaves_loop_and_signals_of_a_notebook(tiny, tmp_path, monkeypatch):
    """A cell runs in the main thread, below a loop that goes on."""
    monkeypatch.chdir(tmp_path)

    def cell():
        return mebench.run(*tiny, "method.draws=2", method="random", workers=1, bootstrap=0, progress=Silent())

    async def below_a_loop():
        return cell()

    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    try:
        asyncio.get_running_loop()  # that of a test's browser goes on in this thread
    except RuntimeError:
        found = asyncio.run(below_a_loop())
    else:
        found = cell()
    assert found.fresh
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_plot_timeline_is_a_picture_of_a_video(ran):
    figure = ran.plot_timeline("s002")
    assert isinstance(figure, matplotlib.figure.Figure)
    assert "s002" in figure.axes[0].get_title(loc="left")
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert len(figure.axes[0].lines) > 1
    with pytest.raises(DataError, match="3 videos have 's0' in their keys"):
        ran.plot_timeline("s0")
    with pytest.raises(DataError, match="unknown video 'nobody'"):
        ran.plot_timeline("nobody")


def test_load_run_finds_a_run_again(ran, place):
    for word in (ran.id, ran.id[:-3], ran.path, str(ran.path)):
        again = mebench.load_run(word, runs=str(place / "runs"))
        assert (again.id, again.summary) == (ran.id, ran.summary)
    pd.testing.assert_frame_equal(again.frame_scores, ran.frame_scores)
    with pytest.raises(RunError, match="unknown run 'other'"):
        mebench.load_run("other", runs=str(place / "runs"))


def test_load_run_stays_in_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = make_run(Path("runs"))
    run = mebench.load_run("runs/" + made.id)
    assert run.path == tmp_path / "runs" / made.id
    before = run.clips, run.frame_scores, run.config
    by_id = mebench.load_run(made.id)
    monkeypatch.chdir("/")
    pd.testing.assert_frame_equal(by_id.clips, before[0])
    pd.testing.assert_frame_equal(by_id.frame_scores, before[1])
    assert by_id.config == before[2]
    assert by_id.path == run.path


def test_load_run_names_a_lost_table(tmp_path):
    run = mebench.load_run(make_run(tmp_path, tasks=("spot",)).path)
    assert run.clips.empty  # nothing was to be named
    (run.path / "frame_scores.parquet").unlink()
    with pytest.raises(RunError, match=r"frame_scores\.parquet cannot be read"):
        run.frame_scores  # noqa: B018


def test_resume_of_a_finished_run_changes_nothing(ran, place):
    again = mebench.resume(ran, progress=Silent())
    assert (again.id, again.summary, again.fresh) == (ran.id, ran.summary, False)
    with pytest.raises(ConfigError, match="unknown setting of a resumed run 'seed'"):
        mebench.resume(ran, seed=4)
    with pytest.raises(ConfigError, match="unknown setting of a resumed run 'looks'"):  # its folds would mix
        mebench.resume(ran, looks=True)


def test_resume_of_a_finished_run_scores_by_other_rules(ran):
    before = (ran.path / "summary.json").read_bytes()
    again = mebench.resume(ran, convention="mean2022", bootstrap=0, progress=Silent())
    assert (again.summary["convention"], again.summary["bootstrap"]["draws"]) == ("mean2022", 0)
    theirs = summarize(ran.tables, kinds=["micro"], classes=[], seed=3, draws=0, convention="mean2022")
    assert again.summary["spotting"]["micro"]["scores"] == theirs["spotting"]["micro"]["scores"]
    assert again.summary["spotting"] != ran.summary["spotting"]
    assert (ran.path / "summary.json").read_bytes() == before  # the run keeps the scores that it was made with


def test_run_names_a_wrong_setting(tiny):
    with pytest.raises(PluginError, match="Did you mean 'optical_strain'"):
        mebench.run(*tiny, method="optical_strein")
    with pytest.raises(ConfigError, match=r"method\.p"):
        mebench.run(*tiny, method={"name": "optical_strain", "p": "much"})


def test_load_run_reads_a_run_of_any_kind(tmp_path):
    run = mebench.load_run(make_run(tmp_path, kinds=("micro", "macro")).path)
    assert run.scores.loc["recognition.uf1", "value"] == pytest.approx(0.6136, abs=1e-4)
    assert len(run.clips) == 16
    assert len(run.folds) == 4
    assert len(run.plot_timeline().axes[0].collections) >= 3
    with pytest.raises(RunError, match="is not finished"):
        mebench.load_run(make_run(tmp_path, done=False, seed=5).path)


@pytest.mark.parametrize("name", ["NA", "007"])
def test_load_run_takes_any_name_of_a_fold(tmp_path, name):
    run = mebench.load_run(call_fold(make_run(tmp_path), "drawn/02", name).path)
    assert run.folds.loc[name, "fit_seconds"] == 2
    assert not run.folds["fit_seconds"].isna().any()


def test_load_run_reads_a_record(tmp_path):
    from mebench.intake import export as boards_export

    run = make_run(tmp_path)
    record = mebench.load_run(boards_export.export_record(run, tmp_path / "records"))
    assert record.scores.loc["spotting.micro.f1", "value"] == 1
    assert record.title == mebench.load_run(run.path).title
    assert len(record.predictions) == 16
    assert record.frame_scores.empty
    record.plot_timeline()


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.arange(3), [0, 1, 2]),
        (np.float64(0.5), 0.5),
        (pd.Series(["micro", "macro"]), ["micro", "macro"]),
        (pd.RangeIndex(2), [0, 1]),
        ({"anchors": np.array([[1.5, 2]])}, {"anchors": [[1.5, 2.0]]}),
    ],
)
def test_settings_of_values_are_those_of_python(value, plain):
    found = settings_of(values={"scheme": value})
    assert found == settings_of(values={"scheme": plain}) == {"scheme": plain}
    assert [one.settings["scheme"] for one in combinations.expand_lists(combinations.lists_of_settings(found))] == (
        plain if isinstance(plain, list) else [plain]
    )


@given(st.lists(st.text("ab,/ ", min_size=1).map(str.strip).filter(len), min_size=1, max_size=4, unique=True))
@example(["/ann's,b"])
@example(["'a,b'"])
@example(["[a,b"])
def test_settings_of_text_with_commas_is_one_value(texts):
    found = combinations.expand_lists(combinations.lists_of_settings(settings_of(values={"dataset.root": texts})))
    assert [one.settings for one in found] == [{"dataset.root": text} for text in texts]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"seed": 1.5}, r"seed must be an int, not 1.5 \(argument\)"),
        ({"kinds": ["mikro"]}, r"kinds must be a list of micro|macro or null, not \['mikro'\] \(argument\)"),
        ({"method": {"name": "mean", "p": True}}, r"method.p must be a float, not True \(argument\)"),
        ({"dataset": {"name": "synthetic", "presett": "tiny"}}, r"unknown key 'dataset.presett'. .* \(argument\)"),
        (
            {"scheme": object()},
            r"scheme must be text, a number, or a list or map of them, not <object .*> \(argument\)",
        ),
    ],
)
def test_run_checks_values_of_python(settings, sentence):
    with pytest.raises(ConfigError, match=sentence):
        mebench.run(**{"method": "mean", "dataset": "synthetic"} | settings)


def test_run_says_where_a_setting_was_given():
    with pytest.raises(ConfigError, match=r"method.p must be a float, not 'x' \(command line\)"):
        mebench.run("method=mean", "dataset=synthetic", "method.p=x")
    with pytest.raises(ConfigError, match=r"method.p must be a float, not 'x' \(argument\)"):
        mebench.sweep("method=mean", "dataset=synthetic", **{"method.p": ["x", 0.5]})


def test_resolve_never_reads_a_path_as_text(tmp_path):
    (tmp_path / "a=b, [c").mkdir()
    found = resolve({"method": "mean", "dataset": {"name": "folder", "videos": [tmp_path / "a=b, [c"]}})
    assert found.dataset_params["folder"].videos == (str(tmp_path / "a=b, [c"),)


def test_run_html_escapes_markup(tmp_path):
    evil = "<script>alert(1)</script>"
    run = mebench.load_run(make_run(tmp_path, "evil", method=evil, warnings=[evil], remark=evil).path)
    shown = run._repr_html_()
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") == 3
    assert "<td>spotting, micro: F1</td>" in shown


def test_sweep_gives_rows_and_runs(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = (*tiny, "method=random", "method.draws=2", "workers=1", "bootstrap=0")
    found = mebench.sweep(*words, scheme=[None, "nobody"], seed=range(2), progress=Silent())
    assert [run.config["seed"] for run in found.runs] == [0, 1]
    assert len(found.failures) == 2
    assert "unknown emotion scheme 'nobody'" in str(found.failures[0][1])
    (row,) = found.scores[found.scores["score"] == "F1 micro"].to_dict("records")
    assert (row["scheme"], row["seeds"]) == ("null", [0, 1])
    assert "<td>null</td>" in found._repr_html_()
    assert "failed: nobody" in found._repr_html_()
    assert "failed: nobody" in str(found)
    assert "standard deviation over seeds" in str(found)
    assert repr(found) == "<Sweep of 4 runs, 2 failed>"


def test_run_per_class_per_subject_and_confusion_agree(tmp_path):
    folder = make_run(tmp_path, "names", tasks=("recognize",))
    run = mebench.load_run("names", runs=str(tmp_path))
    clips = folder.read_table("clips.parquet")
    assert (
        run.confusion.to_numpy().sum() == run.per_class["clips"].sum() == run.per_subject["clips"].sum() == len(clips)
    )
    right = sum(run.confusion.loc[name, name] for name in run.per_class.index)
    assert right == run.per_class["right"].sum() == run.per_subject["right"].sum()
    assert run.per_class["f1"].mean() == pytest.approx(run.scores.loc["recognition.uf1", "value"])
    assert (run.mistakes["mistake"] == "wrong_class").all()
    assert len(run.mistakes) == len(clips) - right
    assert (run.mistakes["predicted"] != run.mistakes["emotion"]).all()
    assert np.allclose(run.mistakes["probability"], run.mistakes.filter(like="score_").max(axis=1))


def test_run_mistakes_hold_spotting_and_recognition(tmp_path):
    folder = make_run(tmp_path, "both", shift=5)
    run = mebench.load_run("both", runs=str(tmp_path))
    micro = folder.read_json("summary.json")["spotting"]["micro"]
    counts = run.mistakes["mistake"].value_counts()
    assert (counts["false_positive"], counts["miss"]) == (micro["fp"], micro["fn"])
    assert counts["wrong_class"] == (run.per_subject["clips"] - run.per_subject["right"]).sum()
    assert run.per_subject["false_positives"].sum() == micro["fp"]


def test_run_that_only_spots_has_no_classes(tmp_path):
    make_run(tmp_path, "spots", tasks=("spot",))
    run = mebench.load_run("spots", runs=str(tmp_path))
    assert len(run.per_class) == 0
    assert list(run.per_subject.columns) == ["expressions", "found", "false_positives", "f1"]
