"""Every protocol through the command line, on small drawn trees in the real layouts, with the real preprocessing."""

import json
from collections import Counter

import pandas as pd
import pytest
from sklearn.metrics import f1_score
from typer.testing import CliRunner

from mebench.cli import app
from mebench.config import resolve
from mebench.config.registry import find_plugin as plugin, list_plugins, load_plugin
from mebench.errors import ConfigError
from mebench.protocols import find_protocol
from tests.helpers.empty_trees import write_empty_tree
from tests.helpers.nightly import NIGHTLY
from tests.helpers.outside import flow_maps

DATASETS = ("casme2", "samm", "smic_hs", "smic_vis", "smic_nir", "cas_me2", "samm_lv", "casme3", "meview")
SHOWN = ("casme2", "samm", "smic_hs", "cas_me2", "samm_lv", "meview")
"""Those whose frames a method of these tests looks at, or all methods by night."""
SPOTTER = ("method=optical_strain", "method.variant=peaks", "method.flow=dis")
"""A spotter for clips as short as the drawn ones, whose flow takes a fraction of the usual time."""
CHANCE = ("method=random", "method.draws=2")
"""A spotter that looks at no frame, with a hundredth of the usual answers."""


@pytest.fixture(scope="session")
def trees(tmp_path_factory):
    """One folder for each dataset, and a store of features that all runs of these tests share."""
    home = tmp_path_factory.mktemp("trees")
    for name in DATASETS:
        if name in SHOWN:
            load_plugin("dataset", name).write_fake_tree(home / name)
        else:
            write_empty_tree(name, home / name)
    return home


@pytest.fixture
def printed(trees, tmp_path, monkeypatch, untracked):
    """Gives words on the trees to `mebench run`; what it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "roots.yaml").write_text("roots:\n" + "".join(f"  {name}: {trees / name}\n" for name in DATASETS))

    def execute(*words):
        places = ["runs=runs", f"cache={trees / 'store'}", "workers=1", "bootstrap=20"]
        found = CliRunner().invoke(app, ["run", *words, *places, "-c", "roots.yaml"], catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.stdout

    return execute


@pytest.fixture
def run(printed, tmp_path):
    """The same; the summary, `folds.json` and `audit.json`."""

    def execute(*words):
        printed(*words, "--json", "out.json")
        summary = json.loads((tmp_path / "out.json").read_text())
        folder = tmp_path / "runs" / summary["run_id"]
        return summary, *(json.loads((folder / name).read_text()) for name in ("folds.json", "audit.json"))

    return execute


def subjects_of_tests(about):
    return Counter(subject for fold in about["folds"] for subject in fold["test"])


def k_prime(audit, fold):
    return next(value["folds"][fold] for value in audit["values"] if value["name"] == "k_prime")


def test_loso_spots_and_names_in_short_videos(run):
    summary, about, audit = run(*SPOTTER, "recognizer=majority", "dataset=casme2", "protocol=loso")
    assert about["one_per_video"]
    assert set(subjects_of_tests(about).values()) == {1}
    # One interval a video; of the eight one is cut so short that no frame has a smoothed score.
    assert summary["spotting"]["micro"]["tp"] + summary["spotting"]["micro"]["fp"] == 7
    assert summary["analysis"]["all_intervals"]["n"] == 8
    assert summary["recognition"]["n"] == 8
    assert (audit["selection"], audit["transductive"], audit["subject_dependent"]) == ("fixed", "video", False)


def test_run_dry_run_prints_folds_and_card_of_a_protocol(printed):
    out = printed("method=majority", "dataset=[casme2,samm]", "protocol=megc2018", "--dry-run")
    assert "casme2-to-samm: tests samm/" in out
    assert "samm-to-casme2: tests casme2/" in out
    assert out.endswith(find_protocol("megc2018").describe() + "\n")


def test_kfold_serves_long_videos(run):
    summary, about, _ = run(*CHANCE, "dataset=cas_me2", "protocol=kfold", "protocol.folds=3")
    assert not about["one_per_video"]
    assert "all_intervals" not in summary.get("analysis", {})
    assert [fold["fold"] for fold in about["folds"]] == ["part1", "part2", "part3"]


def test_holdout_scores_the_tested_subjects_alone(run):
    summary, about, _ = run("method=majority", "dataset=casme2", "protocol=holdout", "protocol.test=[01,casme2/16]")
    assert subjects_of_tests(about) == {"casme2/01": 1, "casme2/16": 1}
    assert summary["recognition"]["n"] == 4


def test_loso_named_tests_named_subjects_as_loso(run):
    words = ("method=majority", "dataset=casme2")
    _, whole, _ = run(*words, "protocol=loso")
    summary, about, _ = run(*words, "protocol=loso_named", "protocol.test=[01,casme2/16]")
    of_named = [fold for fold in whole["folds"] if fold["fold"] in ("casme2/01", "casme2/16")]
    assert about["folds"] == of_named
    assert summary["recognition"]["n"] == 4


def test_lovo_is_marked_as_subject_dependent(run):
    summary, about, audit = run("method=majority", "dataset=casme2", "protocol=lovo")
    assert len(about["folds"]) == 8
    assert all(fold["videos"] for fold in about["folds"])
    assert audit["subject_dependent"]
    assert any("subject_dependent" in line for line in about["warnings"])
    assert summary["recognition"]["n"] == 8


@pytest.mark.parametrize(
    "protocol",
    [
        ("protocol=kfold", "protocol.folds=2"),
        ("protocol=holdout", "protocol.test=[casme2/01]"),
        ("protocol=loso_named", "protocol.test=[casme2/01]"),
        ("protocol=lovo",),
    ],
    ids=lambda words: words[0],
)
def test_protocols_within_a_dataset_serve_analysis(run, protocol):
    """`loso` above; each of these spots, recognizes annotated clips, and names what it spotted."""
    summary, about, _ = run(*CHANCE, "recognizer=majority", "dataset=casme2", *protocol)
    tested = len(about["folds"]) if protocol[0].endswith("lovo") else sum(subjects_of_tests(about).values())
    assert {"spotting", "recognition", "analysis"} <= set(summary)
    assert tested >= 1
    truths = summary["spotting"]["micro"]["tp"] + summary["spotting"]["micro"]["fn"]
    assert truths == summary["recognition"]["n"] + sum(about["left_out"].values())


def test_megc2019_runs_on_the_maps(run):
    words = ("method=majority", "dataset=megc2019_flow", f"dataset.root={flow_maps()}", "protocol=megc2019_cde")
    summary, about, _ = run(*words)
    assert len(about["folds"]) == 68
    assert not about["warnings"]
    members = summary["recognition"]["members"]
    assert {name: part["n"] for name, part in members.items()} == {"casme2": 145, "samm": 133, "smic": 164}
    # 250 of 442 clips are negative, and everybody else is called so too.
    assert summary["recognition"]["scores"]["accuracy"]["value"] == pytest.approx(250 / 442)
    assert summary["recognition"]["scores"]["uf1"]["value"] == pytest.approx(2 * 250 / (442 + 250) / 3)


def test_megc2019_runs_on_the_raw_datasets(run):
    summary, about, _ = run(
        "method=bi_woof", "method.flow=dis", "dataset=[smic_hs,casme2,samm]", "protocol=megc2019_cde"
    )
    assert about["scheme"] == "megc2019"
    assert about["classes"] == ["negative", "positive", "surprise"]
    members = summary["recognition"]["members"]
    assert {name: part["n"] for name, part in members.items()} == {"casme2": 4, "samm": 5, "smic_hs": 7}
    assert any("442 clips of 68 subjects" in line for line in about["warnings"])


def test_megc2018_runs_between_databases(run):
    summary, about, _ = run("method=bi_woof", "method.flow=dis", "dataset=[casme2,samm]", "protocol=megc2018")
    folds = summary["recognition"]["folds"]
    assert list(folds) == ["casme2-to-samm", "samm-to-casme2"]
    for score, mean in summary["recognition"]["scores"].items():
        assert mean["value"] == pytest.approx(sum(part["scores"][score]["value"] for part in folds.values()) / 2)
    assert about["classes"] == ["I", "II", "III", "IV", "V"]


def test_megc2018_runs_as_composite(run):
    summary, about, _ = run("method=majority", "dataset=[casme2,samm]", "protocol=megc2018", "protocol.part=composite")
    assert set(subjects_of_tests(about).values()) == {1}
    assert set(summary["recognition"]["members"]) == {
        "casme2",
        "samm",
    }


def test_cdmer_runs_between_recordings_of_the_same_people(run):
    summary, about, audit = run("method=majority", "dataset=[smic_hs,smic_vis,smic_nir]", "protocol=cdmer")
    assert len(about["folds"]) == 6 == len(summary["recognition"]["folds"])
    assert audit["subject_dependent"]
    assert set(subjects_of_tests(about).values()) == {2}
    assert summary["recognition"]["n"] == 6 * 7


def test_cdmer_runs_with_casme2(run):
    summary, _, audit = run("method=majority", "dataset=[casme2,smic_vis]", "protocol=cdmer", "protocol.type=II")
    assert set(summary["recognition"]["folds"]) == {"casme2-to-smic_vis", "smic_vis-to-casme2"}
    assert not audit["subject_dependent"]


def test_lodo_leaves_one_dataset_out(run):
    summary, about, _ = run(
        "method=bi_woof", "method.flow=dis", "dataset=[casme2,samm]", "protocol=lodo", "scheme=megc2019"
    )
    assert [fold["fold"] for fold in about["folds"]] == ["casme2", "samm"]
    assert {name: part["n"] for name, part in summary["recognition"]["members"].items()} == {"casme2": 4, "samm": 5}


def test_lodo_takes_classes_of_action_units(run):
    _, about, _ = run("method=majority", "dataset=[casme2,samm]", "protocol=lodo", "scheme=objective")
    assert about["classes"] == ["I", "II", "III", "IV", "V", "VI", "VII"]
    assert not about["subject_dependent"]


def test_lodo_takes_one_action_unit(run, tmp_path):
    summary, about, _ = run("method=bi_woof", "method.flow=dis", "dataset=[casme2,samm]", "protocol=lodo", "scheme=AU4")
    assert about["classes"] == ["absent", "AU4"]
    assert not any("no training" in line for line in about["warnings"])
    folder = tmp_path / "runs" / summary["run_id"]
    truth, printed = (pd.read_parquet(folder / f"{name}.parquet") for name in ("truth", "clips"))
    clips = truth.merge(printed, on=["video", "onset", "offset"])
    assert summary["recognition"]["n"] == len(clips)
    assert set(clips["emotion"]) == {"absent", "AU4"}
    f1 = f1_score(clips["emotion"], clips["predicted"], pos_label="AU4")
    assert summary["recognition"]["scores"]["unit_f1"]["value"] == pytest.approx(f1)


def test_lodo_of_action_units_has_a_row_each_and_a_mean(printed, tmp_path):
    words = ("dataset=[casme2,samm]", "protocol=lodo", "scheme=AU4,AU12", "--json", "sweep.json")
    out = printed("-m", "method=bi_woof", "method.flow=dis", *words)
    rows = json.loads((tmp_path / "sweep.json").read_text())["rows"]
    assert [row["settings"]["scheme"] for row in rows] == ["AU4", "AU12", "mean of 2 units"]
    *units, mean = [row["scores"]["F1 of the unit"]["value"] for row in rows]
    assert mean == pytest.approx(sum(units) / 2)
    assert "mean of 2 units" in out


def test_run_refuses_a_unit_of_a_dataset_without_units(printed):
    with pytest.raises(ConfigError, match="needs action units, and smic_hs annotates none"):
        printed("method=majority", "dataset=smic_hs", "scheme=AU4")


def test_megc_spotting_scores_by_dataset_and_pooled(run):
    summary, about, _ = run(*CHANCE, "dataset=[cas_me2,samm_lv,casme3]", "protocol=megc_spotting")
    assert about["kinds"] == ["micro", "macro"]
    assert set(summary["spotting"]) == {"micro", "macro", "overall"}
    for fold in about["folds"]:
        assert {s.split("/")[0] for s in fold["train"]} == {s.split("/")[0] for s in fold["test"]}
    for kind, pooled in summary["spotting"].items():
        for count in ("tp", "fp", "fn"):
            parts = [member["spotting"][kind][count] for member in summary["members"].values()]
            assert pooled[count] == pytest.approx(sum(parts))


def test_megc_spotting_may_count_only_videos_with_expressions(run):
    every, _, _ = run(*SPOTTER, "dataset=cas_me2", "protocol=megc_spotting")
    some, _, _ = run(*SPOTTER, "dataset=cas_me2", "protocol=megc_spotting", "convention=softnet2021")
    strict, published = (summary["spotting"]["micro"] for summary in (every, some))
    assert strict["tp"] + strict["fn"] == published["tp"] + published["fn"]
    assert strict["fp"] >= published["fp"]


def test_cross_spotting_runs_across_frame_rates(run):
    summary, about, audit = run(
        *SPOTTER,
        "dataset=[cas_me2,samm_lv]",
        "protocol=cross_spotting",
        "protocol.train=[cas_me2]",
        "protocol.test=[samm_lv]",
    )
    assert {s.split("/")[0] for s in subjects_of_tests(about)} == {"samm_lv"}
    found = k_prime(audit, "cas_me2-to-samm_lv")
    for kind in ("micro", "macro"):
        one, other = found["cas_me2"][kind], found["samm_lv"][kind]
        assert abs(one["ms"] - other["ms"]) <= 1000 / 30  # k' is counted in whole frames of 33 and of 5 ms
        assert other["frames"] > 4 * one["frames"]
    assert set(summary["spotting"]) == {"micro", "macro", "overall"}


def test_meview_runs_as_in_the_paper(run):
    summary, about, _ = run(*SPOTTER, "recognizer=majority", "dataset=meview", "protocol=meview")
    assert about["one_per_video"]
    assert len(about["folds"]) == 4
    assert summary["spotting"]["micro"]["scores"]["asr"]["value"] is not None
    assert {"f1", "uf1", "uar"} <= set(summary["analysis"]["all_intervals"]["scores"])


def test_meview_runs_unseen_after_laboratories(run):
    words = (*SPOTTER, "recognizer=majority", "dataset=[casme2,cas_me2,meview]", "protocol=meview")
    summary, about, _ = run(*words)
    assert about["one_per_video"]  # the tested videos are short, whatever trained
    fold = about["folds"][0]
    assert {s.split("/")[0] for s in fold["train"]} == {"casme2", "cas_me2"}
    assert {s.split("/")[0] for s in fold["test"]} == {"meview"}
    assert summary["spotting"]["micro"]["tp"] + summary["spotting"]["micro"]["fp"] == 7


SPOTTERS = [id_ for id_ in sorted(list_plugins("method")) if "spot" in plugin("method", id_).tasks]
QUICKLY = {"epochs": 1, "epochs_spot": 1, "epochs_recognition": 1, "flow": "dis", "stride": 3}
STAND_INS = {"concat_cnn": ["method.features=motion"], "sfamnet": ["method.features=flow", "method.batch_size=64"]}
"""For what only real recordings bring: action units of OpenFace, depth."""


def quickly(id_, *words):
    params = resolve([f"method={id_}", "dataset=synthetic", *words]).method_params
    return [
        f"method={id_}",
        *words,
        *(f"method.{name}={value}" for name, value in QUICKLY.items() if hasattr(params, name)),
    ]


@pytest.mark.skipif(not NIGHTLY, reason="minutes; the tests above have one spotter")
@pytest.mark.parametrize("id_", SPOTTERS)
def test_meview_and_cross_spotting_take_every_spotter(run, id_):
    own = quickly(id_, *STAND_INS.get(id_, []))
    in_the_wild, about, _ = run(*own, "dataset=meview", "protocol=meview", "kinds=[micro]")
    found = in_the_wild["spotting"]["micro"]
    assert about["one_per_video"], "one interval a video at most"
    assert found["tp"] + found["fp"] <= 7, "one interval a video at most"
    words = (
        "dataset=[cas_me2,samm_lv]",
        "protocol=cross_spotting",
        "protocol.train=[cas_me2]",
        "protocol.test=[samm_lv]",
    )
    across, about, _ = run(*own, *words, "kinds=[micro]")
    assert {s.split("/")[0] for s in subjects_of_tests(about)} == {"samm_lv"}
    assert across["spotting"]["micro"]["tp"] is not None
