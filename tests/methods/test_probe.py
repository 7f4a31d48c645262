"""The probe's heads against scikit-learn, and the probe on vectors whose answer is known."""

import numpy as np
import pytest
import torch
from mebench.methods.probe.heads import (
    PENALTIES,
    STRENGTHS,
    LogisticProbe,
    Sums,
    choose_penalty,
    folds_of_people,
    sum_up,
)
from mebench.methods.probe.method import OF_CLIPS, OF_FRAMES, Probe
from safetensors.torch import load_file, save_file
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError
from mebench.features import FaceCrop
from mebench.features.built_in_encoders import BUILT_IN
from mebench.training import fit
from tests.helpers.plugin_folders import copy_own_code

TIMING = Timing(30.0, 3, {"micro": 6})
CLASSES = ("happy", "sad", "surprised")
rng = np.random.default_rng(0)


def samples(n=40, people=4):
    """Clips of four people in three classes that overlap."""
    y = np.arange(n) % 3
    x = rng.normal(size=(n, 6)) * [1, 1, 1, 5, 5, 0.1] + np.eye(6)[y] * 1.2
    return x, y, [f"s{number % people}" for number in range(n)]


def pipeline(c):
    return make_pipeline(StandardScaler(), LogisticRegression(C=c, class_weight="balanced", max_iter=2000))


def test_LogisticProbe_equals_logistic_regression():
    x, y, people = samples()
    own = LogisticProbe(3, 0.1, "balanced", standardise=True)
    assert own.fit_by_people(x, y, people) == 0.1
    np.testing.assert_allclose(own.decision_function(x), pipeline(0.1).fit(x, y).decision_function(x), atol=1e-3)


def test_LogisticProbe_chooses_c_on_held_out_people():
    x, y, people = samples()
    own = LogisticProbe(3, None, "balanced", standardise=True)
    scores = {}
    for c in STRENGTHS:  # four people: each is held out alone
        answers = cross_val_predict(pipeline(c), x, y, groups=people, cv=LeaveOneGroupOut())
        scores[c] = f1_score(y, answers, average="macro")
    assert own.fit_by_people(x, y, people) == max(STRENGTHS, key=scores.get)
    assert own.c is None


def test_folds_of_people_hold_out_each_person_once():
    people = [f"s{number % 7}" for number in range(30)]
    folds = list(folds_of_people(people))
    assert sorted(np.concatenate(folds)) == list(range(30))
    assert len(folds) == 5
    for held_out in folds:
        others = set(range(30)) - {*held_out}
        assert not {people[n] for n in held_out} & {people[n] for n in others}
    assert list(folds_of_people(["s0", "s0"])) == []


def parts_of(n_parts=4, constant=True):
    data = []
    for _ in range(n_parts):
        x = rng.normal(size=(30, 5)) * [1, 10, 0.1, 1, 1]
        x[:, 4] = 3.0 if constant else x[:, 4]
        data.append((x, (x[:, :1] + rng.normal(size=(30, 2)))))
    return data


def test_ridge_of_sums_equals_ridge_regression():
    data = parts_of()
    x, y = (np.concatenate(arrays) for arrays in zip(*data))
    weights, bias = sum_up([Sums.of(*part) for part in data]).ridge(0.3)
    z = StandardScaler().fit_transform(x)[:, :4]
    theirs = Ridge(alpha=0.3 * len(x)).fit(z, y)
    np.testing.assert_allclose(x @ weights + bias, theirs.predict(z), atol=1e-9)
    assert not weights[4].any()  # of the number that never changes


def test_error_of_sums_equals_squared_error():
    (x, y), (other, truth) = parts_of(2)
    weights, bias = Sums.of(x, y).ridge(0.1)
    expected = ((other @ weights + bias - truth) ** 2).sum()
    assert Sums.of(other, truth).error(weights, bias) == pytest.approx(expected)


def test_choose_penalty_takes_least_error_on_held_out_people():
    data = parts_of(constant=False)
    errors = {}
    for l2 in PENALTIES:
        total = 0.0
        for number, (x, y) in enumerate(data):
            rest = [Sums.of(*part) for other, part in enumerate(data) if other != number]
            weights, bias = sum_up(rest).ridge(l2)
            total += ((x @ weights + bias - y) ** 2).sum()
        errors[l2] = total
    assert choose_penalty([Sums.of(*part) for part in data]) == min(errors, key=errors.get)


def video(subject, seed):
    """Vectors that differ between onset and apex in a number of the class, and jump while an expression lasts."""
    generator = np.random.default_rng(seed)
    expressions = tuple(Expression(onset, onset + 12) for onset in (20, 60, 100))
    frames = generator.normal(0, 0.05, (150, 1, 1, 4)).astype(np.float16)
    for e in expressions:
        frames[e.onset : e.offset + 1, ..., 0] += 1

    def clip(chain, onset, apex, offset):
        return generator.normal(0, 0.1, (1, 1, 3)) + np.eye(3)[(20, 60, 100).index(onset)]

    features = {OF_FRAMES: frames}.__getitem__
    return LabelledVideo("d/v", SubjectKey("d", subject), 30.0, 150, TIMING, features, clip, expressions, (0, 1, 2))


def probe(*tasks, **params):
    task = Task(frozenset(tasks), classes=CLASSES if "recognize" in tasks else ())
    return Probe(Probe.Params(**params), task)


def test_Probe_recognizes_classes_of_other_people():
    own = probe("recognize")
    own.fit_closed_form([video(f"s{seed}", seed) for seed in range(4)], [])
    unseen = video("s9", 9).clips()
    shares = own.classify([clip.unlabelled() for clip in unseen])
    assert shares.argmax(axis=1).tolist() == [0, 1, 2]
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_Probe_spots_changes_of_other_people():
    own = probe("spot")
    own.fit_closed_form([video(f"s{seed}", seed) for seed in range(4)], [])
    unseen = video("s9", 9)
    scores = own.score_frames(unseen)
    assert scores.shape == (150, 1)
    assert np.isnan(scores[-6:]).all()
    assert np.isfinite(scores[:-6]).all()
    found = own.propose(unseen, scores)
    nearest = [min(abs(p.apex - e.peak) for p in found) for e in unseen.expressions]
    assert sum(distance <= 8 for distance in nearest) == 3


def test_Probe_state_brings_length_of_vectors():
    own, other = probe("spot", "recognize"), probe("spot", "recognize")
    own.fit_closed_form([video(f"s{seed}", seed) for seed in range(4)], [])
    other.load_state_dict(own.state_dict())
    np.testing.assert_array_equal(own.score_frames(video("s9", 9)), other.score_frames(video("s9", 9)))


@pytest.fixture
def tuned(tmp_path, monkeypatch):
    """Makes a probe that trains the last block of a small network."""
    copy_own_code(tmp_path, "net_of_blocks")
    monkeypatch.syspath_prepend(tmp_path)
    import net_of_blocks

    torch.manual_seed(0)
    save_file(net_of_blocks.Net().state_dict(), tmp_path / "net.safetensors")
    how = {"encoder": "net_of_blocks:Net", "encoder_weights": tmp_path / "net.safetensors", "size": 2, "lr": 0.01}

    def make(**params):
        return probe("recognize", **how, tune_blocks=1, **params)

    return make


def moving(subject, seed):
    """A clip of each class: what reaches the last block at onset and apex."""
    generator = np.random.default_rng(seed)
    expressions = tuple(Expression(onset, onset + 12) for onset in (20, 60, 100))

    def clip(chain, onset, apex, offset):
        still = generator.normal(0, 0.1, (2, 1, 6))
        still[1, 0] += np.eye(6)[(20, 60, 100).index(onset)]
        return still

    return LabelledVideo("d/v", SubjectKey("d", subject), 30.0, 150, TIMING, {}.get, clip, expressions, (0, 1, 2))


def test_Probe_trains_the_last_blocks(tuned):
    own = tuned(epochs=20)
    torch.manual_seed(1)
    fit(own, [moving(f"s{seed}", seed) for seed in range(4)], [])
    file = own.params.encoder_weights
    before = load_file(file)
    after = {name.replace("__", "."): tensor for name, tensor in own.state_dict().items() if "tuned." in name}
    changed = after["tuned.tuned.blocks.1.weight"]
    assert set(after) == {
        "tuned.tuned.blocks.1.weight",
        "tuned.tuned.blocks.1.bias",
    }  # the front is no part of the model
    assert (changed - before["blocks.1.weight"]).abs().max() > 0.01
    unseen = [clip.unlabelled() for clip in moving("s9", 9).clips()]
    assert own.classify(unseen).argmax(axis=1).tolist() == [0, 1, 2]


def test_Probe_state_brings_trained_blocks(tuned):
    own, other = tuned(epochs=2), tuned(epochs=2)
    torch.manual_seed(1)
    fit(own, [moving(f"s{seed}", seed) for seed in range(4)], [])
    other.load_state_dict(own.state_dict())
    np.testing.assert_array_equal(
        own.classify(moving("s9", 9).clips()[:1]), other.classify(moving("s9", 9).clips()[:1])
    )


def test_Probe_with_frozen_blocks_is_the_start_of_tuning(tuned):
    """The head is fitted first: a rate of nearly nothing leaves its answers as they were."""
    train = [moving(f"s{seed}", seed) for seed in range(4)]
    own = tuned(epochs=1)
    own = Probe(Probe.Params(**{**vars(own.params), "lr": 1e-12}), own.task)
    own.samples("recognition", train, [])
    start = own.classifier.weight.detach().double().numpy()
    np.testing.assert_allclose(start, own.head.weights.numpy(), rtol=1e-6)


def test_Probe_refuses_to_train_blocks_for_spotting():
    with pytest.raises(ConfigError, match="this run only spots: leave it out"):
        probe("spot", tune_blocks=1)


def test_chains_give_what_reaches_trained_blocks(tuned):
    _, step = tuned().chains(TIMING)[OF_CLIPS].steps
    assert (step.tuned_blocks, step.n_pictures) == (1, 2)
    crops = np.random.default_rng(0).integers(0, 256, (9, 2, 2, 3), dtype=np.uint8)
    reached = step.encode_clip(crops, 0, 4, 8)
    assert reached.shape == (2, 1, 6)
    weights = {name: tensor.numpy() for name, tensor in load_file(step.weights).items()}
    x = step.input.arrange(crops[[0, 4]][:, None]).reshape(2, -1).clip(0)
    expected = (x @ weights["blocks.0.weight"].T + weights["blocks.0.bias"]).clip(0)
    np.testing.assert_allclose(reached[:, 0], expected, atol=1e-5)


def test_chains_crop_as_the_encoder_wants():
    chains = probe("spot", "recognize").chains(TIMING)
    crop, step = chains[OF_CLIPS].steps
    assert crop == FaceCrop(size=150, color=True, margin=0.1)
    assert (step.reads, step.stride) == ("difference", 1)
    assert chains[OF_FRAMES].steps[1].stride == 3  # a tenth of a second
    clip = Probe.Params(encoder="torchscript", encoder_weights=__file__, input="videomae").encode(2)
    assert (clip.frames, clip.size, clip.reads, clip.spacing) == (16, 224, "clip", 2)


def test_Params_know_what_built_in_encoders_were_trained_on():
    assert Probe.Params().pretrained == BUILT_IN["dlib_face"].trained_on
    assert Probe.Params(encoder="torchscript", encoder_weights=__file__).pretrained is None


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"input": "videomea", "encoder": "torchscript", "encoder_weights": __file__}, "Did you mean 'videomae'"),
        ({"input": "clip"}, "method.encoder=dlib_face has an input of its own"),
        ({"size": 64}, "method.encoder=dlib_face has an input of its own"),
        ({"encoder": "timm:vit"}, "method.encoder_weights=FILE names"),
        ({"c": 0.0}, "method.c"),
        ({"tune_blocks": 0}, "method.tune_blocks"),
    ],
)
def test_Params_refuse_what_does_not_fit(params, message):
    with pytest.raises(ConfigError, match=message):
        Probe.Params(**params)
