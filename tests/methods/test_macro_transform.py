"""The macro-to-micro transformation against its equations, its public program line by line, and its public matrices."""

import numpy as np
import pytest
from mebench.methods.macro_transform.method import MACRO, MICRO, MacroTransform
from mebench.methods.macro_transform.transformation import held_out, joint_subspace, partner_shares, to_micro
from scipy.io import loadmat

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError, RunError
from tests.helpers.outside import outside

TIMING = Timing(30.0, 3, {"micro": 4})
PUBLIC = "the matrices published with the macro-to-micro transformation model"


def features(n, width=30, seed=0):
    return np.random.default_rng(seed).random((n, width))


def method(**params):
    return MacroTransform(MacroTransform.Params(**params), Task(frozenset({"recognize"}), classes=("a", "b", "c")))


def video(kinds, labels, macro, micro):
    """A video in which clip i begins at frame 10 i."""
    expressions = tuple(
        Expression(10 * i, 10 * i + 6, apex=10 * i + 3, kind=kind, emotion="x") for i, kind in enumerate(kinds)
    )
    rows = {MACRO: macro.reshape(len(kinds), 1, 1, -1), MICRO: np.concatenate([micro, micro - 1, micro + 1], axis=-1)}
    return LabelledVideo(
        "d/s/v",
        SubjectKey("d", "s"),
        30.0,
        10 * len(kinds),
        TIMING,
        None,
        lambda chain, onset, apex, offset: rows[chain][onset // 10],
        expressions=expressions,
        labels=tuple(labels),
    )


def program(macro, micro, gallery, released):
    """`M = [a; b]; [U, S, V] = svd(M, 0)` and both forms of `vG`, one of them commented out, of the public program."""
    u, _, _ = np.linalg.svd(np.vstack([macro.T, micro.T]), full_matrices=False)
    r1, r2 = u[: macro.shape[1]], u[macro.shape[1] :]
    if released:
        return (r2 @ (r1.T @ r1 @ r1.T @ gallery.T)).T
    return (r2 @ np.linalg.solve(r1.T @ r1, r1.T @ gallery.T)).T


@pytest.mark.parametrize("released", [False, True])
def test_to_micro_equals_program(released):
    macro, micro, gallery = features(12), features(12, seed=1), features(5, seed=2)
    found = to_micro(joint_subspace(macro, micro), gallery, released)
    np.testing.assert_allclose(found, program(macro, micro, gallery, released), atol=1e-9)


def test_to_micro_gives_partners_of_pairs_back():
    """Equation 12 is exact for macro-expressions that make linearly independent pairs."""
    macro, micro = features(12), features(12, seed=1)
    np.testing.assert_allclose(to_micro(joint_subspace(macro, micro), macro), micro, atol=1e-9)
    assert np.abs(to_micro(joint_subspace(macro, micro, rank=6), macro) - micro).max() > 0.1


def test_to_micro_of_public_matrices_gives_partners_back():
    """All 300 columns of the public gallery are among the 885 of the public pairs, so each maps to its own partner."""
    folder = outside("macro_to_micro", PUBLIC)
    pairs, test = loadmat(folder / "88CKTrain.mat"), loadmat(folder / "88CKTest.mat")
    macro = np.hstack([pairs[f"CK{name}Train"] for name in ("Disgust", "Happy", "Surprise")]).T.astype(float)
    gallery = test["CKtest"].T.astype(float)
    micro = loadmat(folder / "88casmetest.mat")["casme88"].T
    places = [int(np.flatnonzero((macro == clip).all(axis=1))[0]) for clip in gallery]
    assert test["CKtestlabel"].ravel().tolist() == [1 + place // 295 for place in places]
    few = np.sort(places)[::20]  # all take a minute
    partners = np.resize(micro, (len(few), micro.shape[1]))
    np.testing.assert_allclose(to_micro(joint_subspace(macro[few], partners), macro[few]), partners, atol=1e-9)


def test_partner_shares_repeat_rare_micro_expressions():
    shares = partner_shares([2, 0, 0, 0, 1], [0, 2, 0, 2, 2, 0, 0])
    assert [np.flatnonzero(row).tolist() for row in shares] == [[1, 3, 4], [0, 6], [2], [5], []]
    assert shares.sum(axis=1).tolist() == pytest.approx([1, 1, 1, 1, 0])
    assert partner_shares([0, 0, 0], [0, 0]).argmax(axis=1).tolist() == [0, 1, 0]


def test_held_out_takes_quarter_of_each_class():
    labels = np.array([0] * 8 + [1] * 4 + [2] * 3)
    assert np.bincount(labels[held_out(labels)], minlength=3).tolist() == [2, 1, 0]


def test_classify_names_nearest_mapped_macro_expression():
    kinds = ["macro", "macro", "micro", "micro"]
    found = method()
    train = video(kinds, [0, 1, 0, 1], features(4), features(4, seed=1))
    found.fit_closed_form([train], [])
    scores = found.classify([clip.unlabelled() for clip in train.clips()])
    assert scores.argmax(axis=1).tolist() == [0, 1]
    np.testing.assert_allclose(scores.max(axis=1), 0, atol=1e-6)
    assert (scores[:, 2] < scores[:, :2].min()).all()
    assert found.notes["pairs"] == 2
    clips = [clip.unlabelled() for clip in train.clips()]
    np.testing.assert_array_equal(scores, [found.classify([clip])[0] for clip in clips])


def test_fit_closed_form_keeps_held_out_gallery_apart():
    kinds = ["macro"] * 4 + ["micro"] * 2
    found = method(gallery="held_out")
    found.fit_closed_form([video(kinds, [0] * 6, features(6), features(6, seed=1))], [])
    assert found.gallery.shape == (1, 30)
    assert found.notes["pairs"] == 3


@pytest.mark.parametrize("kinds", [["micro", "micro"], ["macro", "micro"]])
def test_fit_closed_form_takes_micro_expressions_without_pairs(kinds):
    found = method()
    micro = features(2, seed=1)
    train = video(kinds, [0, 1], features(2), micro)
    found.fit_closed_form([train], [])
    assert found.notes["pairs"] == 0
    np.testing.assert_allclose(found.gallery.numpy(), micro[-kinds.count("micro") :], atol=1e-9)


def test_fit_closed_form_refuses_macro_expressions_alone():
    with pytest.raises(RunError, match="needs micro-expressions to train on"):
        method().fit_closed_form([video(["macro"], [0], features(1), features(1))], [])


def test_load_state_dict_takes_saved_gallery():
    found, other = method(), method()
    found.fit_closed_form([video(["macro", "micro"], [0, 0], features(2), features(2, seed=1))], [])
    other.load_state_dict(found.state_dict())
    assert other.gallery.equal(found.gallery)


def test_params_refuse_rank_of_zero():
    with pytest.raises(ConfigError, match=r"method\.rank must be at least 1, not 0"):
        MacroTransform.Params(rank=0)
