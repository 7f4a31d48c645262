"""Clips with several classes at once, from annotations to scores."""

import json

import numpy as np
import pytest
import torch

import mebench
from mebench.annotations import schemes
from mebench.core import Expression, Scheme, Video
from mebench.errors import ConfigError, DataError
from mebench.training import maps
from tests.cli.conftest import mebench as command  # noqa: F401


def clips(*units):
    return [Video("d", "s", f"v{n}", 30, 9, (Expression(0, 8, action_units=some),)) for n, some in enumerate(units)]


def test_Scheme_of_several_maps_a_label_to_a_set():
    scheme = Scheme("sets", ("joy", "fear", "awe"), {"fear+joy": "joy+fear", "awe": "awe"}, several=True)
    both, one, other = (Expression(0, 8, emotion=label) for label in ("Fear+Joy", "awe", "anger"))
    assert [scheme.of(e) for e in (both, one, other)] == [0b011, 0b100, None]
    assert [scheme.class_of(e) for e in (both, one, other)] == ["joy+fear", "awe", None]
    with pytest.raises(DataError, match="maps onto"):
        Scheme("sets", ("joy",), {"fear+joy": "joy+fear"}, several=True)


def test_all_units_are_those_that_enough_expressions_show():
    videos = clips(*[("4", "L7B")] * 6, *[("4",)] * 6, *[("7", "12")] * 4, ("12", "talking"))
    scheme = schemes.all_units(videos)
    assert scheme.classes == ("AU4", "AU7")
    assert [scheme.class_of(video.expressions[0]) for video in (videos[0], videos[6], videos[12], videos[16])] == [
        "AU4+AU7",
        "AU4",
        "AU7",
        None,  # of what is no unit nobody knows what it shows
    ]
    with pytest.raises(ConfigError, match="at least two action units that 10 micro-expressions show; here 1 are"):
        schemes.all_units(clips(*[("4",)] * 10))
    chosen = schemes.all_units(videos, [12, 1, 4])  # a protocol's own, however rare
    assert chosen.classes == ("AU1", "AU4", "AU12")
    assert [chosen.class_of(video.expressions[0]) for video in (videos[0], videos[12])] == ["AU4", "AU12"]


def test_multilabel_focal_loss_equals_its_paper():
    scores, labels = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([[1.0, 0, 1]] * 5)
    p = 1 / (1 + np.exp(-scores.numpy().astype(np.float64)))
    p_t = np.where(labels.numpy() == 1, p, 1 - p)
    assert float(maps.multilabel_focal_loss(scores, labels)) == pytest.approx(
        np.mean(-((1 - p_t) ** 2) * np.log(p_t)), rel=1e-5
    )


@pytest.mark.parametrize("method", ["logistic", "ststnet"])
def test_run_of_several_classes_names_and_scores_sets(command, tmp_path, method, untracked):  # noqa: F811
    command("data", "fake", "dataset=four_dme", "--out", tmp_path / "4dme")
    words = (
        "dataset=four_dme",
        f"dataset.root={tmp_path / '4dme'}",
        "scheme=4dmr2025",
        "workers=1",
        f"runs={tmp_path / 'runs'}",
    )
    code, _, err = command("run", f"method={method}", "method.epochs=2", f"cache={tmp_path / 'cache'}", *words)
    assert code == 0, err
    (run,) = (tmp_path / "runs").iterdir()
    about, summary = (json.loads((run / name).read_text()) for name in ("folds.json", "summary.json"))
    assert about["several"] is True
    assert set(summary["recognition"]["scores"]) == {"uf1", "uar", "accuracy", "wf1", "jaccard"}
    found = mebench.load_run(run)
    assert found.clips["predicted"].str.split("+").explode().isin(about["classes"]).all()
    shares = np.stack(found.clips["probabilities"].tolist())
    for predicted, row in zip(found.clips["predicted"], shares):
        chosen = np.flatnonzero(row >= 0.5) if (row >= 0.5).any() else [row.argmax()]
        assert predicted == "+".join(about["classes"][n] for n in chosen)


def test_run_of_several_classes_refuses_methods_of_one(tmp_path):
    words = {
        "dataset": "synthetic",
        "dataset.preset": "tiny",
        "scheme": "AUs",
        "runs": str(tmp_path),
        "tracking": "off",
    }
    with pytest.raises(ConfigError, match="at least two action units that 10"):
        mebench.run(method="logistic", **words)

    words |= {"dataset.preset": "default"}
    with pytest.raises(
        ConfigError, match="scheme=AUs asks for several classes of a clip at once, but method off_apexnet names one"
    ):
        mebench.run(method="off_apexnet", **words)
    with pytest.raises(
        ConfigError, match="audit=leak chooses by the UF1 of one class, and scheme=AUs asks for several"
    ):
        mebench.run(method="logistic", audit="leak", **words)
    with pytest.raises(
        ConfigError, match="adaptation=drls regenerates each clip as one class, and the scheme 'AUs' names several"
    ):
        mebench.run(method="logistic", adaptation="drls", **words)
