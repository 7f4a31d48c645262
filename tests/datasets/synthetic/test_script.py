"""What happens in the videos, before a pixel is drawn."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import example, given, strategies as st
from mebench.datasets.synthetic import dataset, emotions, events as synthetic, params

from mebench.annotations import objective_class
from mebench.features import action_units
from mebench.metrics import scores_in_time

CONFIG = yaml.safe_load(Path(params.__file__).with_name("config.yaml").read_text())
PINNED = "de1c6253788ade3a"


@pytest.fixture(scope="module", autouse=True)
def _forgotten():
    """The scripts of long videos take 100 MB."""
    yield
    synthetic.write_script.cache_clear()


def _places(params):
    return [(subject, video) for subject in range(params.subjects) for video in range(params.videos)]


def _scripts(params):
    return {place: synthetic.write_script(params, *place) for place in _places(params)}


def _labels(params):
    return [synthetic.label(params, *place) for place in _places(params)]


def test_write_script_of_default_set_never_changes():
    """Pixels may differ between OpenCV versions; what happens may not, or scores of different machines mean nothing."""
    digest = hashlib.sha256()
    for place, script in _scripts(dataset.Synthetic.Params()).items():
        labels = [
            (e.kind, e.onset, e.apex, e.offset, e.emotion, e.action_units, e.objective)
            for e in synthetic.label(dataset.Synthetic.Params(), *place)
        ]
        digest.update(repr((place, labels)).encode())
        for curves in (script.micro, script.other, script.blinks):
            digest.update((np.round(curves, 6) + 0.0).tobytes())
    assert digest.hexdigest()[:16] == PINNED


def test_label_counts_of_default_set():
    labels = _labels(dataset.Synthetic.Params())
    micro = [sum(e.kind == "micro" for e in video) for video in labels]
    macro = [sum(e.kind == "macro" for e in video) for video in labels]
    assert (sum(micro), sum(macro), micro.count(0)) == (92, 22, 4)
    assert max(micro) == 6
    shown = {e.emotion for video in labels for e in video}
    assert shown == set(emotions.EMOTIONS)


def test_label_counts_of_board():
    params = dataset.Synthetic.Params(**CONFIG["presets"]["board"])
    labels = _labels(params)
    micro, macro = ([sum(e.kind == kind for e in video) for video in labels] for kind in ("micro", "macro"))
    assert (params.subjects, sum(micro), sum(macro), micro.count(0)) == (60, 594, 586, 61)
    assert sum(micro) / (len(labels) * params.frames / params.fps / 60) < 8


def test_label_density_equals_samm_long_videos():
    params = dataset.Synthetic.Params(**CONFIG["presets"]["field"])
    labels = _labels(params)
    minutes = len(labels) * params.frames / params.fps / 60
    micro, macro = ([sum(e.kind == kind for e in video) for video in labels] for kind in ("micro", "macro"))
    assert (params.subjects, sum(micro), sum(macro), micro.count(0)) == (60, 353, 743, 25)
    *real, in_all = scores_in_time.DENSITIES["samm_lv"]
    for counts, annotated in zip((micro, macro), real, strict=True):
        assert sum(counts) / minutes == pytest.approx(annotated / in_all, rel=0.03)


def test_write_script_tells_what_misleads():
    """Speech and twitches move the face where no event does, and blinks close the eyes; elsewhere nothing moves."""
    params = dataset.Synthetic.Params(subjects=4, speech=1.0, macros=0.0, micro_max=0)
    kinds = set()
    for script in _scripts(params).values():
        kinds |= {d.kind for d in script.unlabelled}
        assert list(script.unlabelled) == sorted(script.unlabelled, key=lambda d: d.onset)
        moved, closed = (np.zeros(params.frames, bool) for _ in range(2))
        for d in script.unlabelled:
            (closed if d.kind == "blink" else moved)[d.onset : d.offset + 1] = True
        assert not script.other[~moved].any()
        assert ((script.blinks > 0) == closed).all()
    assert kinds == {"blink", "speech", "twitch"}


@pytest.mark.parametrize("seed", range(5))
def test_write_script_size_hardly_depends_on_seed(seed):
    scripts = _scripts(dataset.Synthetic.Params(seed=seed))
    kinds = [e.kind for s in scripts.values() for e in s.events]
    assert 70 <= kinds.count("micro") <= 105
    assert any(not s.micro.any() for s in scripts.values())


settings_of_videos = st.builds(
    dataset.Synthetic.Params,
    seed=st.integers(0, 2**32 - 1),
    subjects=st.just(1),
    videos=st.just(1),
    frames=st.integers(300, 700),
    fps=st.sampled_from([25.0, 30.0, 60.0, 200.0]),
    label_jitter=st.integers(0, 20),
    short_videos=st.booleans(),
    speech=st.sampled_from([0.0, 1.0]),
    blinks=st.sampled_from([0.0, 20.0]),
)


@given(params=settings_of_videos)
@example(
    params=dataset.Synthetic.Params(
        seed=0, subjects=1, videos=1, frames=372, fps=25.0, label_jitter=4, speech=0.0, blinks=0.0
    )
)
def test_write_script_is_always_possible(params):
    script, labels = synthetic.write_script(params, 0, 0), synthetic.label(params, 0, 0)
    assert all(0 <= e.onset <= e.apex <= e.offset < params.frames for e in labels)
    assert list(labels) == sorted(labels, key=lambda e: e.onset)
    for event, following in zip(script.events, script.events[1:]):
        assert following.onset - event.offset >= int(synthetic.GAP * params.fps)
    for event in script.events:
        seconds = (event.offset - event.onset) / params.fps
        assert (0.1 <= seconds <= 0.6) if event.kind == "micro" else (0.6 <= seconds <= 2.6)
        assert set(event.units) <= set(emotions.RECRUITED[event.emotion])
    if params.short_videos:
        assert [e.kind for e in labels] == ["micro"]
    curves = script.micro + script.other
    assert not curves[0].any(), "the first frame is neutral: the published landmarks are its"
    assert curves.min() >= 0
    assert script.blinks.min() >= 0
    assert script.blinks.max() <= 1


@given(params=settings_of_videos)
def test_write_script_peaks_at_apex(params):
    script = synthetic.write_script(params, 0, 0)
    strength = script.micro.sum(axis=(1, 2))
    inside = np.zeros(params.frames, bool)
    for event in script.events:
        if event.kind == "micro":
            inside[event.onset + 1 : event.offset] = True
            span = strength[event.onset : event.offset + 1]
            assert strength[event.apex] == pytest.approx(span.max())
            assert span.argmax() <= event.apex - event.onset
            moving = {action_units.UNITS[u] for u in np.flatnonzero(script.micro[event.apex].any(axis=1))}
            assert moving == set(event.units)
    np.testing.assert_array_equal(strength > 1e-12, inside & (strength > 1e-12))


AS_SAMM_LV = dataset.Synthetic.Params(
    subjects=40,
    videos=5,
    frames=750,
    fps=25.0,
    micros=3.9,
    macros=8.3,
    expressions="samm_lv",
    intensity=(0.05, 0.8),
    label_jitter=0,
)


def test_write_script_overlaps_in_length_and_strength():
    events = [event for script in _scripts(AS_SAMM_LV).values() for event in script.events]
    lengths, strengths = (
        {kind: np.array([measure(e) for e in events if e.kind == kind]) for kind in ("micro", "macro")}
        for measure in (lambda e: (e.offset - e.onset + 1) / 25, lambda e: e.strength)
    )
    for kind, median in (
        ("micro", 0.39),
        ("macro", 1.02),
    ):  # of samm_annotation.csv, without the longest tenth of the macro-expressions
        assert np.median(lengths[kind]) == pytest.approx(median, abs=0.08)
    assert lengths["micro"].max() <= 0.6
    assert 0.5 <= lengths["macro"].min() <= 0.65
    weaker = (strengths["macro"][:, None] < strengths["micro"]).mean()  # of two expressions, one of each kind
    assert 0.1 < weaker < 0.4


def test_write_script_has_asked_micro_expressions_a_minute():
    counts = [sum(e.kind == "micro" for e in script.events) for script in _scripts(AS_SAMM_LV).values()]
    minutes = AS_SAMM_LV.subjects * AS_SAMM_LV.videos * AS_SAMM_LV.frames / AS_SAMM_LV.fps / 60
    assert sum(counts) / minutes == pytest.approx(3.9, rel=0.08)
    assert np.var(counts) == pytest.approx(np.mean(counts), rel=0.25), "a Poisson number's variance is its mean"


def test_label_errs_as_asked_and_moves_nothing():
    sure = AS_SAMM_LV
    unsure = dataclasses.replace(AS_SAMM_LV, coder_error=0.08)
    errors = []
    for place in _places(sure)[::2]:
        assert synthetic.write_script(unsure, *place).events == synthetic.write_script(sure, *place).events
        pairs = zip(
            synthetic.label(sure, *place), sorted(synthetic.label(unsure, *place), key=lambda e: e.apex), strict=True
        )
        errors += [(ours.onset - true.onset) / 25 for true, ours in pairs]
    assert np.std(errors) == pytest.approx(0.08, rel=0.15)
    assert abs(np.mean(errors)) < 0.02


def test_write_script_keeps_side_in_action_units():
    events = [
        e for s in range(40) for e in synthetic.write_script(dataset.Synthetic.Params(seed=7, subjects=40), s, 0).events
    ]
    sided = [e for e in events if e.side is not None]
    assert 0.08 < len(sided) / len(events) < 0.35
    curves = synthetic.write_script(dataset.Synthetic.Params(), 0, 0)
    assert curves.micro.shape == (300, 17, 2)
    for event in sided:
        prefix = "RL"[event.side]  # the subject's right is on the left of the picture
        assert any(unit.startswith(prefix) for unit in event.action_units)
    unsided = [e for e in events if e.side is None]
    assert all(unit.isdigit() for e in unsided for unit in e.action_units)


def test_write_script_settings_are_independent():
    """Blinks, light or the labels' errors change no expression: each has its own stream."""
    plain = synthetic.write_script(dataset.Synthetic.Params(), 0, 0)
    other = synthetic.write_script(dataset.Synthetic.Params(blinks=40.0, twitches=0.0, label_jitter=4, noise=9.0), 0, 0)
    assert plain.events == other.events
    np.testing.assert_array_equal(plain.micro, other.micro)


def test_raised_cosine_rises_holds_and_falls():
    profile = synthetic.raised_cosine(5, 2, 7, skew=1.3)
    assert len(profile) == 15
    assert profile[0] == 0
    assert profile[-1] == pytest.approx(0, abs=1e-12)
    np.testing.assert_array_equal(profile[5:8], 1)
    assert (np.diff(profile[:6]) > 0).all()
    assert (np.diff(profile[7:]) < 0).all()


@pytest.mark.parametrize(
    ("units", "expected"),
    [((6, 12), "I"), ((1, 2), "II"), ((4, 7), "III"), ((4, 9), "IV"), ((15,), "V"), ((20,), "VI"), ((26,), "VII")],
)
def test_objective_class_follows_davison(units, expected):
    assert objective_class(units) == expected


def test_write_script_happiness_recruits_lip_corner():
    events = [
        e
        for s in range(150)
        for e in synthetic.write_script(dataset.Synthetic.Params(seed=3, subjects=150, videos=1), s, 0).events
    ]
    happy = [e.units for e in events if e.emotion == "happiness"]
    assert all(12 in units for units in happy)
    assert np.mean([6 in units for units in happy]) == pytest.approx(0.6, abs=0.15)
