"""The folds of every protocol are found again in what a record holds of them."""

from dataclasses import asdict

import pandas as pd
import pytest

from mebench.core import Video
from mebench.intake import consistency
from mebench.protocols import PROTOCOLS, People
from mebench.protocols.known import folds
from tests.helpers.drawn_people import same_face, video


def of(*names, subjects=3, clips=2):
    return [video(name, f"s{s}", n + 3 * s) for name in names for s in range(subjects) for n in range(clips)]


SMIC = ("smic_hs", "smic_vis", "smic_nir")
CASES = [
    ("loso", {}, of("casme2", "samm")),
    ("loso_named", {"test": ("casme2/s1", "samm/s0")}, of("casme2", "samm")),
    ("kfold", {"folds": 3, "seed": 4}, of("casme2", "samm", clips=5)),
    ("holdout", {"test": ("casme2/s1",), "train": ("casme2/s0", "samm/s1")}, of("casme2", "samm")),
    ("lovo", {}, [*of("casme2"), video("samm", "one", 1)]),
    ("lodo", {}, of("casme2", "samm", "mmew")),
    ("pairs", {}, of("casme2", "samm", "mmew")),
    ("cdmer", {"type": "I"}, of(*SMIC)),
    ("cdmer", {"type": "II"}, of(*SMIC, "casme2")),
    ("cd6me", {}, of("casme", "casme2", "samm", "four_dme", "mmew", "casme3")),
    ("cross_spotting", {"train": ("cas_me2",), "test": ("samm_lv",)}, of("cas_me2", "samm_lv")),
    ("megc2018", {}, of("casme2", "samm")),
    ("megc2018", {"part": "composite"}, of("casme2", "samm")),
    ("megc2019_cde", {}, of("smic_hs", "casme2", "samm")),
    ("megc_spotting", {}, of("cas_me2", "samm_lv")),
    ("casme3", {}, of("casme3")),
    ("meview", {}, of("meview")),
    ("meview", {}, of("casme2", "samm", "meview")),
]


def recorded(protocol, settings, videos, person=lambda key: key):
    """What a record holds of folds, and the folds."""
    params = PROTOCOLS[protocol].params(**settings)
    made = folds(protocol, People(videos, seed=3, person=person), params)
    tested = sorted({v.key: v for fold in made for v in fold.split(videos)[2]}.values(), key=lambda v: v.key)
    config = {"protocol": protocol, **{f"protocol.{name}": value for name, value in asdict(params).items()}}
    about = {
        "folds": [
            {"fold": f.key, **{side: [*map(str, getattr(f, side))] for side in ("train", "valid", "test")}}
            for f in made
        ],
        "one_per_video": False,
    }
    rows = [(v.key, e.kind, e.onset, e.offset, e.emotion) for v in tested for e in v.expressions]
    tables = (
        pd.DataFrame([(v.key, str(v.subject_key), v.dataset) for v in tested], columns=["video", "subject", "dataset"]),
        pd.DataFrame(rows, columns=["video", "kind", "onset", "offset", "emotion"]),
    )
    persons = {str(v.subject_key): str(person(v.subject_key)) for v in videos}
    sides = {f.key: ({*map(str, f.test)}, {*map(str, (*f.train, *f.valid))}, {*f.videos}) for f in made}
    return (config, about, *tables, persons), sides


@pytest.mark.parametrize(
    ("protocol", "settings", "videos"), CASES, ids=[f"{name}-{n}" for n, (name, *_) in enumerate(CASES)]
)
def test_redraw_folds_gives_recorded_folds(protocol, settings, videos):
    record, sides = recorded(protocol, settings, videos)
    assert consistency.redraw_folds(*record) == sides


@pytest.mark.parametrize("protocol", ["loso", "lodo", "kfold"])
def test_redraw_folds_joins_ids_of_one_person(protocol):
    videos = [*of("smic_hs", "smic_vis"), video("samm", "s0", 1), video("samm", "s9", 2)]
    record, sides = recorded(protocol, {"folds": 3} if protocol == "kfold" else {}, videos, same_face)
    assert consistency.redraw_folds(*record) == sides


@pytest.mark.parametrize(
    ("protocol", "settings", "videos"),
    [
        ("holdout", {"share": 0.5}, of("casme2", subjects=6)),
        ("dfme", {}, None),
        ("no_such", {}, None),
    ],
)
def test_redraw_folds_is_none_if_record_lacks_facts(protocol, settings, videos):
    if videos is None:
        empty = pd.DataFrame(columns=["video", "subject", "dataset", "kind", "onset", "offset", "emotion"])
        one = pd.DataFrame([("dfme/1/a", "dfme/1", "dfme")], columns=["video", "subject", "dataset"])
        record = ({"protocol": protocol}, {"folds": []}, one, empty, {})
    else:
        record, _ = recorded(protocol, settings, videos)
    assert consistency.redraw_folds(*record) is None


def test_redraw_folds_is_empty_if_protocol_refuses():
    record, _ = recorded("loso", {}, of("casme2"))
    assert consistency.redraw_folds({"protocol": "cd6me"}, *record[1:]) == {}
    assert consistency.redraw_folds({"protocol": "kfold", "protocol.folds": "many"}, *record[1:]) == {}


def test_redraw_folds_takes_ids_with_slash():
    videos = [Video("casme2", "a/b", "v1", None, None), Video("casme2", "c", "v/2", None, None)]
    record, sides = recorded("lovo", {}, videos)
    assert consistency.redraw_folds(*record) == sides
