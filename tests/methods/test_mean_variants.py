"""The variants of MEAN: what each changes, on chains, samples, losses and intervals; and a fold of each."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from mebench.methods.mean import method as mean
from mebench.methods.mean.apex import LargestDifference, largest_sum
from mebench.methods.mean.chains import APEX, CLIPS, FRAMES, FRAMES_K_PRIME, WHOLE_FACE, network_input
from mebench.methods.mean.samples import at_tempo, negatives_per_positive, voters
from torch.nn import functional as F

from mebench.config import resolve
from mebench.config.registry import find_plugin
from mebench.core import ClipView, Expression, LabelledClip, LabelledVideo, SubjectKey, Task, Timing, VideoView
from mebench.errors import ConfigError
from mebench.features import EyesAndMouth, MaskEyes, MinMax, RemoveNoseMotion, Strain
from mebench.runner import host, make_plan
from mebench.runs import fold_files
from mebench.testing import TINY, scratch_folder
from mebench.training import fit
from tests.helpers.nightly import by_day

THREE = ("negative", "positive", "surprise")
TIMING = Timing(200.0, 20, {"micro": 34})


def method(tasks=("spot", "recognize"), **params):
    torch.manual_seed(0)
    return mean.MEAN(mean.MEAN.Params(**params), Task(frozenset(tasks), ("micro",), THREE)).eval()


def maps(n, seed=0):
    return np.random.default_rng(seed).random((n, 42, 42, 3)).astype(np.float16)


def video(features, k_prime=3, expressions=None, clip=None):
    """`features` by chain, or the same for all; a clip's feature is what `clip` says of its onset and apex."""
    by_chain = features if callable(features) else lambda chain: features
    n_frames = len(by_chain(FRAMES)) + 3
    common = ("d/s/v", SubjectKey("d", "s"), 30.0, n_frames, Timing(30.0, 3, {"micro": k_prime}))
    access = (by_chain, clip or (lambda chain, onset, apex, offset: by_chain(chain)[onset]))
    if expressions is None:
        return VideoView(*common, *access)
    labels = tuple(i % 3 for i in range(len(expressions)))
    return LabelledVideo(*common, *access, expressions=expressions, labels=labels)


def steps(chain):
    return [type(step) for step in chain.steps]


# -- features ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "fps", "k"), [(0.05, 200, 10), (0.10, 200, 20), (0.15, 200, 30), (0.05, 25, 2), (0.10, 25, 3)]
)
def test_chains_round_gap_in_seconds_up(seconds, fps, k):
    chains = method(k_seconds=seconds).chains(Timing(fps, 99, {}))
    assert chains[FRAMES].at("pair")[0].k == k


def test_chains_normalise_before_or_after_regions():
    own, softnet = (method(preprocessing=p).chains(TIMING)[FRAMES] for p in ("mean", "softnet"))
    assert steps(own)[2:] == [Strain, MinMax, EyesAndMouth]
    assert steps(softnet)[2:] == [Strain, RemoveNoseMotion, MaskEyes, EyesAndMouth, MinMax]
    assert (own.steps[2].difference, softnet.steps[2].difference) == ("backward", "forward")


@pytest.mark.parametrize("regions", ["box", "whole_face"])
def test_Params_ask_landmarks_for_softnets_preprocessing(regions):
    with pytest.raises(ConfigError, match=rf"landmarks.*method\.regions={regions}"):
        mean.MEAN.Params(preprocessing="softnet", regions=regions)


def test_chains_have_one_gap_for_each_scale_and_tempo():
    chains = method(scales=(1.0, 0.5), tempo=(0.5, 2.0)).chains(TIMING)
    gaps = {name: chain.at("pair")[0].k for name, chain in chains.items() if chain.scope == "frames"}
    assert gaps == {FRAMES: 20, f"{FRAMES}@0.5": 10, f"{FRAMES}@2": 40}


def test_classify_can_use_half_of_mean_length():
    chains = method(recognition_gap="k_prime").chains(TIMING)
    assert chains[FRAMES_K_PRIME].at("pair")[0].k == 34
    asked = []
    view = video(lambda chain: asked.append(chain) or maps(12))
    asked.clear()
    method(recognition_gap="k_prime").classify([view.clip(3, 6, 8)])
    assert asked == [FRAMES_K_PRIME]


def test_chains_ask_for_ready_made_maps_without_frames():
    chains = method(("recognize",), regions="whole_face").chains(Timing(0.0, 1, {}))
    assert list(chains) == [WHOLE_FACE]
    assert chains[WHOLE_FACE].scope == "clips"


def test_network_input_scales_whole_face_maps_to_unit_range():
    image = torch.zeros(1, 3, 28, 28)
    image[:, 0], image[:, 1], image[:, 2] = 255, 51, 102  # strain, v, u
    x = network_input(image)
    assert x.shape == (1, 3, 42, 42)
    torch.testing.assert_close(x.mean((2, 3))[0], torch.tensor([0.4, 0.2, 1.0]))
    own = torch.rand(2, 3, 42, 42)
    assert network_input(own) is own


# -- apex -------------------------------------------------------------------------------------------------------------------


def test_LargestDifference_differs_most_from_onset():
    crops = np.random.default_rng(0).integers(0, 256, (150, 8, 8)).astype(np.uint8)
    naive = [np.mean([abs(int(a) - int(b)) for a, b in zip(c.ravel(), crops[0].ravel())]) for c in crops]
    assert LargestDifference().apply(
        crops,
    ).item() == int(np.argmax(naive))
    assert LargestDifference().apply(crops[:1]).item() == 0


def test_largest_sum_lies_before_offset():
    features = maps(20)
    sums = features.astype(float).sum((1, 2, 3))
    clip = ClipView(video(features), 4, 9, 15, False)
    assert largest_sum(clip, FRAMES).apex == 4 + int(np.argmax(sums[4:15]))
    beyond = ClipView(video(features), 20, 21, 22, False)
    assert largest_sum(beyond, FRAMES) == beyond


def test_classify_names_annotated_clips_at_found_apex():
    asked = []

    def clip(chain, onset, apex, offset):
        asked.append((chain, onset, apex, offset))
        return np.full((1, 1, 1), 2.0) if chain == APEX else maps(1)[0]

    view = video(maps(20), clip=clip)
    method(apex="paper").classify([view.clip(5, 8, 12, spotted=False)])
    assert asked == [(APEX, 5, 8, 12), (CLIPS, 5, 7, 12)]


# -- training ---------------------------------------------------------------------------------------------------------------


def test_samples_without_transfer_use_own_shared_layers():
    m = method(transfer=False)
    train = [video(maps(30), 2, (Expression(5, 6), Expression(15, 17)))]
    samples, _ = m.samples("recognition", train, [])
    assert samples.tensors[0].shape[1:] == (3, 42, 42)
    before = {name: t.clone() for name, t in m.state_dict().items()}
    m.stage = "recognition"
    optimizer = m.configure_optimizers()
    m.training_step(samples.tensors, 0).backward()
    optimizer.step()
    changed = {name.split(".")[0] for name, t in m.state_dict().items() if not torch.equal(t, before[name])}
    assert changed == {"own_shared", "recognition"}


def normalised_by_batch(m, x):
    """The shared layers' maps of a batch, (n, 3, 42, 42), as the network is drawn, normalised by the batch."""
    shared, norm = m.shared, m.shared.norm
    streams = (shared.horizontal, shared.vertical, shared.strain)
    maps_of = [torch.relu(stream(x[:, i : i + 1])) for i, stream in enumerate(streams)]
    return F.max_pool2d(F.batch_norm(torch.cat(maps_of, 1), None, None, norm.weight, norm.bias, True, eps=1e-3), 3)


def test_MEAN_frozen_layers_train_with_batch_statistics():
    """As the public code does; with dropout off the maps are those of a normalisation by the batch, and nothing frozen changes."""
    m = method(frozen="train", dropout=0.0)
    train = [video(maps(30), 2, (Expression(5, 6), Expression(15, 17)))]
    samples, _ = m.samples("recognition", train, [])
    assert samples.tensors[0].shape[1:] == (3, 42, 42)  # no maps of the layers yet
    before = {name: t.clone() for name, t in m.state_dict().items()}
    m.train()
    m.stage = "recognition"
    seen = []
    m.recognition.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    optimizer = m.configure_optimizers()
    m.training_step(samples.tensors, 0).backward()
    optimizer.step()
    torch.testing.assert_close(seen[0], normalised_by_batch(m, samples.tensors[0]), atol=1e-5, rtol=1e-4)
    changed = {name.split(".")[0] for name, t in m.state_dict().items() if not torch.equal(t, before[name])}
    assert changed == {"recognition"}


@pytest.mark.parametrize("frozen", ["eval", "train"])
def test_fit_learns_from_maps_that_frozen_names(frozen):
    """Those of tested clips, or those of the batch, of which there is one."""
    m = method(frozen=frozen, dropout=0.0, epochs_spot=1, epochs_recognition=1)
    seen = []
    m.recognition.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    train = [video(maps(30), 2, (Expression(5, 6), Expression(15, 17)))]
    fit(m, train, [])
    x = network_input(torch.from_numpy(maps(30)[[5, 15]].astype(np.float32)).permute(0, 3, 1, 2))
    with torch.no_grad():
        maps_of = {"eval": m.shared(x), "train": normalised_by_batch(m, x)}
    (given,) = seen
    torch.testing.assert_close(given.sum(0), maps_of.pop(frozen).sum(0), atol=1e-4, rtol=1e-3)  # in whatever order
    (other,) = maps_of.values()
    assert (given.sum(0) - other.sum(0)).abs().max() > 0.1


def test_samples_note_reached_ratio():
    m = method(ratio=2.0)
    m.samples("spotting", [video(maps(60), 4, (Expression(20, 24),))], [])
    assert m.notes["negatives_per_positive"] == 2.0
    few = method(ratio=8.0)  # all negatives stay where there are fewer
    few.samples("spotting", [video(maps(20), 4, (Expression(5, 14),))], [])
    assert few.notes["negatives_per_positive"] == pytest.approx((20 - 13) / 13)
    assert negatives_per_positive(torch.zeros(5)) is None


def test_samples_add_slower_and_faster_expressions():
    m = method(tempo=(0.5,))
    asked = []

    def clip(chain, onset, apex, offset):
        asked.append((onset, apex))
        return maps(1)[0]

    m.samples("recognition", [video(maps(30), 2, (Expression(5, 15, apex=11),), clip)], [])
    assert asked == [(5, 11), (5, 8)]
    features = {FRAMES: maps(30, 1), f"{FRAMES}@0.5": maps(31, 2)}
    samples, _ = method(tempo=(0.5,), ratio=100.0).samples(
        "spotting", [video(features.__getitem__, 2, (Expression(5, 6),))], []
    )
    assert len(samples) == 30 + 31
    assert torch.nonzero(samples.targets)[:, 0].tolist() == [4, 5, 6, 34, 35, 36]
    assert at_tempo(LabelledClip(video(maps(9)), 3, 3, 5, False, 0), 0.5).apex == 4


def test_samples_add_mirrored_clips():
    m = method(("recognize",), flip=True)
    samples, _ = m.samples("recognition", [video(maps(30), 2, (Expression(5, 6), Expression(9, 9)))], [])
    x, y = samples.tensors
    assert y.tolist() == [0, 1, 0, 1]
    torch.testing.assert_close(x[2:, 1:], x[:2, 1:].flip(-1))
    torch.testing.assert_close(x[2:, 0], 1 - x[:2, 0].flip(-1))


@pytest.mark.parametrize("stage", ["spotting", "recognition"])
def test_training_step_uses_chosen_losses(stage):
    y = torch.tensor([[1.0], [0.0], [0.0]]) if stage == "spotting" else torch.tensor([0, 1, 1])
    x = torch.rand(3, 3, 42, 42)
    found = {}
    seen = []
    for loss in ("paper", "focal"):
        m = method(transfer=False, l2=0.0, l2_head=0.0, loss=loss, focal_gamma=0.0)
        m.stage = stage
        getattr(m, stage).register_forward_hook(lambda _head, _given, outputs: seen.append(outputs.detach()))
        found[loss] = m.training_step((x, y), 0).item()
    outputs = seen[-1]
    expected = (
        (F.mse_loss(outputs, y), F.binary_cross_entropy_with_logits(outputs, y))
        if stage == "spotting"
        else (F.cross_entropy(outputs, y),) * 2
    )
    assert found == {"paper": pytest.approx(expected[0].item()), "focal": pytest.approx(expected[1].item())}


def test_score_frames_are_probabilities_under_focal_loss():
    features = maps(9)
    plain, focal = (method(loss=loss).score_frames(video(features))[:9, 0] for loss in ("paper", "focal"))
    np.testing.assert_allclose(focal, 1 / (1 + np.exp(-plain)), rtol=1e-5)


def test_score_frames_average_over_scales():
    features = {FRAMES: maps(9, 1), f"{FRAMES}@2": maps(6, 2)}
    both = method(scales=(1.0, 2.0)).score_frames(video(features.__getitem__))[:, 0]
    one = method().score_frames(video(features[FRAMES]))[:9, 0]
    two = method().score_frames(video(features[f"{FRAMES}@2"]))[:6, 0]
    np.testing.assert_allclose(both[:6], (one[:6] + two) / 2, rtol=1e-6)
    np.testing.assert_allclose(both[6:9], one[6:], rtol=1e-6)
    assert np.isnan(both[9:]).all()


def test_history_has_losses_of_each_epoch_and_side():
    m = method(curves="valid")
    assert mean.MEAN.holds_out(m.params)
    assert not mean.MEAN.holds_out(mean.MEAN.Params())
    train, valid = (video(maps(30, s), 2, (Expression(5, 6), Expression(15, 17))) for s in (1, 2))
    for stage in ("spotting", "recognition"):
        m.stage = stage
        for split, samples in zip(("train", "valid"), m.samples(stage, [train], [valid])):
            batch = samples.__getitems__(range(len(samples)))
            m.training_step(batch, 0) if split == "train" else m.validation_step(batch, 0)
    noted = {(e.stage, e.split): e for e in m.history.list_epochs()}
    assert set(noted) == set(product(("spotting", "recognition"), ("train", "valid")))
    assert all(0 <= e.accuracy <= 1 and e.loss > 0 for e in noted.values())
    assert method().samples("spotting", [train], [valid])[1] is None


# -- spotted intervals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "frames"), [(1, range(7, 10)), (2, [10]), (3, range(7, 13))])
def test_voters_are_frames_before_peak(case, frames):
    assert voters(case, 10, 3, 99).tolist() == list(frames)


def test_classify_reads_onset_and_apex_of_short_videos():
    view = video(lambda chain: maps(0), clip=lambda chain, onset, apex, offset: maps(3)[apex - onset])
    m = method()
    (row,), (own,) = (m.classify([view.clip(-2, 1, 3, spotted=spotted)]) for spotted in (True, False))
    np.testing.assert_array_equal(row, own)


def test_config_takes_apex_of_paper_on_smic():
    found = find_plugin("method", "mean").read_section("datasets")
    by_paper = {name for name, values in found.items() if values.get("apex") == "paper"}
    assert by_paper == {
        "smic_hs",
        "smic_vis",
        "smic_nir",
    }


def test_fit_closed_form_saves_threshold_with_model():
    m = method(threshold="absolute")
    m.score_frames = lambda video: np.r_[np.zeros(20), np.ones(6), np.zeros(20)][:, None]
    train = video(maps(43), 3, (Expression(20, 25),))
    m.fit_closed_form([train], [])
    (level,) = m.thresholds.tolist()
    assert 0 < level < 1
    assert m.notes["threshold_micro"] == level
    again = method(threshold="absolute")
    again.load_state_dict(m.state_dict())
    assert again.thresholds.tolist() == [level]
    quiet = np.full((46, 1), 0.3 * level)
    quiet[23] += 0.3 * level
    assert again.propose(video(maps(43)), quiet) == []
    assert method().propose(video(maps(43)), quiet) != []


def test_propose_from_curve_begins_at_labelled_onset():
    scores = np.zeros((100, 1))
    scores[40 - 5 : 60] = 1  # labels of an expression at 40 to 59 with k' = 6
    (found,) = method(interval="score_curve").propose(video(maps(97), 6), scores)
    assert abs(found.onset - 40) <= 1
    assert abs(found.offset - 59) <= 1


# -- the whole ------------------------------------------------------------------------------------------------------------------


def test_exportable_counts_operations_of_paper():
    """3.5 million: products and sums of the convolutions and the linear layers, their biases and the normalisation."""
    from torch.utils.flop_counter import FlopCounterMode

    module, _, _ = method().exportable()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.zeros(1, 3, 42, 42))
    products = 42 * 42 * 25 * (3 + 3 + 8) + 2 * 14 * 14 * 25 * 14 * 8 + 392 * (1 + 3)
    assert counter.get_total_flops() == 2 * products == 3_433_136
    biases, normalisation = 42 * 42 * 14 + 2 * 14 * 14 * 8 + 4, 2 * 42 * 42 * 14
    assert 2 * products + biases + normalisation == pytest.approx(3.5e6, rel=0.01)


def test_search_space_holds_allowed_values():
    search = find_plugin("method", "mean").read_section("search")
    for name, space in search.items():
        assert space["acts"] in ("postprocess", "training", "features"), name
        for value in space.get("choices") or (space["low"], space["high"]):
            mean.MEAN.Params(**{name: value})


SMALL = (*TINY, "method.flow=dis", "method.epochs_spot=1", "method.epochs_recognition=1")
LONG = ("dataset.short_videos=false", "dataset.subjects=4", "dataset.frames=150")


VARIANTS = [
    ("method.preprocessing=softnet",),
    ("method.regions=whole_face",),
    ("method.apex=paper", "method.transfer=false", "method.case=3"),
    ("method.threshold=absolute", "method.interval=score_curve", "method.nms=0.3", *LONG),
    ("method.scales=[1.0,0.7]", "method.tempo=[0.7]", "method.flip=true"),
    ("method.loss=focal", "method.class_weight=balanced", "method.curves=valid"),
    ("precision=bf16-mixed",),
]


@pytest.mark.parametrize("words", by_day(VARIANTS, *VARIANTS[1:3], *VARIANTS[5:]), ids=" ".join)
def test_fold_of_variant_trains_and_predicts(words, tmp_path):
    settled = ("protocol=loso", "seed=0", f"cache={scratch_folder()}")
    plan = make_plan(resolve(["method=mean", *settled, *SMALL, *words]))
    result = host.execute_fold(plan, plan.data.folds[0])
    assert len(result.frame_scores) == 1
    assert all(np.isfinite(s).any() for s in result.frame_scores.values())
    assert {e.stage for e in result.history} == {"spotting", "recognition"}
    assert result.notes["negatives_per_positive"] <= 8
    fold_files.write_fold_files(tmp_path, result, ("micro",))
    history = pd.read_csv(tmp_path / "history.csv").set_index(["stage", "split"])
    watched = [("recognition", "valid")] if "method.curves=valid" in words else []
    assert history[["uf1", "uar"]].dropna().index.tolist() == watched
    assert history[["uf1", "uar"]].stack().dropna().between(0, 1).all()
