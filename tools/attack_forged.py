"""Well-formed records that lie, for `attack.py`: hashes and scores are right, and what they say is not.

Each forgery takes a sound record of a network under `loso` and tells, in `FORGERIES`, how it is answered: by `refused`, with a part of the
sentence, or by `taken`, with a part of what its row says. What nobody can find without running the method again is not among them:
answers that somebody made up from nothing, and a network that was trained on tested people by changed code.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from attack_records import Made

RECORDS = Path(__file__).parents[1] / "leaderboards" / "records"
HONEST = (
    *("ststnet-megc2019_flow-loso-seed0-bb4293bd", "ststnet-megc2019_flow-loso-seed1-72871582"),
    *("dual_inception-megc2019_flow-loso-seed0-5b8ef8e9", "flow_svm-megc2019_flow-loso-seed0-793ebd41"),
    "ststnet-megc2019_flow-loso-seed0-leak-3c4c5bc3",
)
"""The records on the board; the first one is forged, the last chose on tested people."""
DRAWS = 20
Forgery = Callable[["Forged"], None]
FORGERIES: dict[str, tuple[Forgery, str, str]] = {}
"""By name the forgery, `refused` or `taken`, and words of the reason."""


class Forged(Made):
    """A record under the hands of somebody who knows the program."""

    def frame(self, name: str) -> pd.DataFrame:
        frame: pd.DataFrame = self.table(name).to_pandas()
        return frame

    def put_frame(self, frame: pd.DataFrame, name: str) -> None:
        schema = self.table(name).schema.remove_metadata()
        self.put(pa.Table.from_pandas(frame, preserve_index=False, schema=schema), name)

    def setting(self, **values: Any) -> None:
        self.write({**self.json(), "config": {**self.json()["config"], **values}})

    def about(self, **values: Any) -> None:
        self.write({**self.json("folds.json"), **values}, "folds.json")

    def audit(self, **values: Any) -> None:
        self.write({**self.json("audit.json"), **values}, "audit.json")

    def answers_of(self, other: str) -> None:
        shutil.copyfile(RECORDS / other / "clips.parquet", self.path / "clips.parquet")


def forgery(outcome: str, words: str) -> Callable[[Forgery], Forgery]:
    def keep(function: Forgery) -> Forgery:
        FORGERIES[function.__name__] = function, outcome, words
        return function

    return keep


def make_forged(name: str, base: Path, place: Path, scored: bool = True) -> Path:
    """Write a forged record into `place`; its folder. With `scored` its scores are those of its tables."""
    made = Forged(shutil.copytree(base, place / name), random.Random(name), 0)
    made.change("run_id", name)
    made.change("key", f"{random.Random(name).getrandbits(60):015x}")
    FORGERIES[name][0](made)
    made.seal(scored)
    if made.path.name != (said := made.json()["run_id"]):
        made.path = made.path.rename(made.path.with_name(said))
    return made.path


def honest_board(place: Path) -> list[Path]:
    """The honest records with few draws of the bootstrap, so that they are soon scored."""
    found = []
    for name in HONEST:
        made = Forged(shutil.copytree(RECORDS / name, place / name), random.Random(0), 0)
        made.setting(bootstrap=DRAWS)
        made.seal(scored=True)
        found.append(made.path)
    return found


# -- the 26 of the review ---------------------------------------------------------------------------------------------------


@forgery("taken", "are those of ststnet-megc2019_flow-loso-seed0-leak")
def leak_as_guard(made: Forged) -> None:
    made.answers_of(HONEST[-1])
    made.setting(seed=5)


@forgery("refused", "tested people shaped")
def leak_with_its_audit(made: Forged) -> None:
    made.answers_of(HONEST[-1])
    shutil.copyfile(RECORDS / HONEST[-1] / "audit.json", made.path / "audit.json")
    made.audit(switch="guard", selection="fixed")


@forgery("refused", "is not that of protocol loso")
def loso_as_kfold(made: Forged) -> None:
    folds = made.json("folds.json")["folds"]
    first, second, *rest = folds
    both = {
        **first,
        "test": [*first["test"], *second["test"]],
        "train": [who for who in first["train"] if who not in second["test"]],
    }
    clips = made.frame("clips.parquet").replace({"fold": {second["fold"]: first["fold"]}})
    made.put_frame(clips, "clips.parquet")
    made.about(folds=[both, *rest])
    _audit_fits(made)


@forgery("refused", "is not that of protocol loso")
def trains_on_nobody(made: Forged) -> None:
    folds = made.json("folds.json")["folds"]
    made.about(folds=[{**fold, "train": fold["train"][:1]} for fold in folds])
    _audit_fits(made)


@forgery("taken", "its annotations differ from those known")
def fewer_subjects(made: Forged) -> None:
    _drop(made, 8)


@forgery("taken", "its annotations differ from those known")
def one_subject_fewer(made: Forged) -> None:
    _drop(made, 1)


@forgery("taken", "its annotations differ from those known")
def truth_bent(made: Forged) -> None:
    clips = made.frame("clips.parquet").set_index("video")["predicted"]
    truth = made.frame("truth.parquet")
    made.put_frame(
        truth.assign(emotion=truth["video"].map(clips).where(truth.index % 2 == 0, truth["emotion"])), "truth.parquet"
    )


@forgery("taken", "its annotations differ from those known")
def truth_one_clip(made: Forged) -> None:
    clips = made.frame("clips.parquet").set_index("video")["predicted"]
    truth = made.frame("truth.parquet")
    wrong = truth.index[truth["video"].map(clips) != truth["emotion"]][0]
    truth.loc[wrong, "emotion"] = clips[truth.loc[wrong, "video"]]
    made.put_frame(truth, "truth.parquet")


@forgery("taken", "its revision 0000000000000000")
def revision_fake(made: Forged) -> None:
    made.change("versions/dataset_revision", "0" * 16)


@forgery("taken", "has these settings and this seed")
def key_at_random(made: Forged) -> None:
    made.change("versions/method_plugin", "0" * 16)


@forgery("taken", "has these settings and this seed")
def the_same_again(made: Forged) -> None:
    """The honest record under another id and key, with other costs."""
    made.change("costs/fit_seconds", 5.0)


@forgery("taken", "its emotions are those of ststnet-megc2019_flow-loso-seed0-bb4293bd")
def copied_of_another(made: Forged) -> None:
    made.setting(method="dual_inception", seed=7)


@forgery("taken", "its emotions are those of ststnet-megc2019_flow-loso-seed0-bb4293bd")
def seed_changed(made: Forged) -> None:
    made.setting(seed=7)


@forgery("taken", "its emotions are those of ststnet-megc2019_flow-loso-seed0-bb4293bd")
def seed_changed_again(made: Forged) -> None:
    made.setting(seed=8)
    made.change("settings", "lr=0.0001")


@forgery("refused", "whose share is not the largest")
def shares_lie(made: Forged) -> None:
    _shares(made, lambda row: [1.0] * len(row))


@forgery("refused", "whose share is not the largest")
def argmax_lie(made: Forged) -> None:
    _shares(made, lambda row: [1 - share for share in row])


@forgery("refused", "of costs is 0")
def cheap(made: Forged) -> None:
    made.change("costs", {"fit_seconds": 0.0, "predict_seconds": 0.0, "parameters": 0})


@forgery("refused", "bootstrap")
def huge_bootstrap(made: Forged) -> None:
    made.setting(bootstrap=100_000)


@forgery("refused", "its videos are of")
def dataset_fake(made: Forged) -> None:
    made.setting(dataset="casme2")


@forgery("refused", "differs from ststnet only in upper and lower case")
def in_other_case(made: Forged) -> None:
    made.setting(method="STSTNet")


@forgery("taken", "has these settings and this seed")
def id_in_capitals(made: Forged) -> None:
    made.change("run_id", HONEST[0].upper())


@forgery("taken", "has these settings and this seed")
def subject_dependent_flag(made: Forged) -> None:
    made.about(subject_dependent=True)


@forgery("refused", "run_id")
def cyrillic_id(made: Forged) -> None:
    made.change("run_id", "ststn\u0435t")


@forgery("refused", "run_id")
def no_width_in_id(made: Forged) -> None:
    made.change("run_id", "ststnet\u200b")


@forgery("refused", "convention")
def convention_without_scores(made: Forged) -> None:
    made.change("summary/convention", "li2017")
    made.seal = lambda scored=False: Made.seal(made)  # type: ignore[method-assign]


@forgery("refused", "scored again, it differs")
def score_by_hand(made: Forged) -> None:
    made.change("summary/recognition/scores/uf1/value", 0.99)
    made.seal = lambda scored=False: Made.seal(made)  # type: ignore[method-assign]


# -- and more ---------------------------------------------------------------------------------------------------------------


@forgery("refused", "its audit is of leak")
def audit_of_a_leak(made: Forged) -> None:
    made.audit(switch="leak")


@forgery("refused", "tested people shaped a run of audit=leak")
def leak_that_chose_nothing(made: Forged) -> None:
    made.setting(audit="leak")
    made.audit(switch="leak")


@forgery("refused", "its audit is of other people")
def audit_of_others(made: Forged) -> None:
    sides = made.json("audit.json")["sides"]
    first, second = list(sides)[:2]
    made.audit(sides={**sides, first: sides[second], second: sides[first]})


@forgery("refused", "its key is")
def key_of_other_parts(made: Forged) -> None:
    made.write({**made.json(), "parts": {"setting seed": 0}})


@forgery("refused", "the key was made with setting seed 3")
def parts_of_another_run(made: Forged) -> None:
    from mebench.runner.inputs import short_hash

    parts = {"setting seed": 3}
    made.write({**made.json(), "parts": parts, "key": short_hash(parts)})


@forgery("taken", "its emotions are those of ststnet-megc2019_flow-loso-seed0-bb4293bd")
def copied_and_touched_up(made: Forged) -> None:
    """The answers of another method, four of them changed."""
    made.setting(method="dual_inception", seed=9)
    clips: Any = made.frame("clips.parquet")  # pandas-stubs allows no lists in cells
    for row in clips.index[::120]:
        shares = list(clips.at[row, "probabilities"])[::-1]
        clips.at[row, "probabilities"] = shares
        clips.at[row, "predicted"] = made.json("folds.json")["classes"][shares.index(max(shares))]
    made.put_frame(clips, "clips.parquet")


@forgery("refused", "is not that of protocol kfold")
def another_protocol(made: Forged) -> None:
    made.setting(protocol="kfold", **{"protocol.folds": 68, "protocol.seed": 0})
    made.about(protocol="kfold")


@forgery("taken", "protocol no_such is not known here")
def protocol_of_nobody(made: Forged) -> None:
    made.setting(protocol="no_such")
    made.about(protocol="no_such")


@forgery("refused", "parameters of costs is 1000000000000")
def more_weights_than_memory(made: Forged) -> None:
    made.change("costs/parameters", 10**12)


@forgery("refused", "predict_per_minute of costs")
def rate_of_another_length(made: Forged) -> None:
    made.change("costs/predict_per_minute", 0.5)


@forgery("refused", "whose share is not the largest")
def classes_in_other_order(made: Forged) -> None:
    made.about(classes=made.json("folds.json")["classes"][::-1])


@forgery("taken", "its annotations differ from those known")
def two_people_as_one(made: Forged) -> None:
    """An invented person under two ids, so that a fold trains on one fewer."""
    first, second, *rest = made.json("folds.json")["folds"]
    one, two = first["test"][0], second["test"][0]
    both = {
        "fold": "x/y",
        "train": [who for who in first["train"] if who != two],
        "valid": [],
        "test": sorted([one, two]),
    }
    made.put_frame(
        made.frame("clips.parquet").replace({"fold": {f["fold"]: "x/y" for f in (first, second)}}), "clips.parquet"
    )
    made.about(folds=[*rest, both], persons={one: "x/y", two: "x/y"})
    _audit_fits(made)


# -- what several do --------------------------------------------------------------------------------------------------------


def _shares(made: Forged, change: Callable[[list[float]], list[float]]) -> None:
    clips = made.frame("clips.parquet")
    clips["probabilities"] = [change([float(share) for share in row]) for row in clips["probabilities"]]
    made.put_frame(clips, "clips.parquet")


def _drop(made: Forged, n: int) -> None:
    """Without the people with the most wrong answers, as if they had never been there."""
    truth, clips = made.frame("truth.parquet"), made.frame("clips.parquet")
    subjects = made.frame("videos.parquet").set_index("video")["subject"]
    right = truth["video"].map(clips.set_index("video")["predicted"]) == truth["emotion"]
    worst = set((~right).groupby(truth["video"].map(subjects)).sum().sort_values().index[-n:])
    for name in ("videos.parquet", "truth.parquet", "clips.parquet"):
        frame = made.frame(name)
        made.put_frame(frame[~frame["video"].map(subjects).isin(worst)], name)
    folds = [
        {**fold, "train": [who for who in fold["train"] if who not in worst]}
        for fold in made.json("folds.json")["folds"]
        if not worst & set(fold["test"])
    ]
    made.about(folds=folds)
    _audit_fits(made)


def _audit_fits(made: Forged) -> None:
    """The sides of the audit as the folds say: who forges one forges both."""
    from hashlib import sha256

    sides = {
        fold["fold"]: {
            side: {"subjects": len(fold[side]), "hash": sha256("\n".join(sorted(fold[side])).encode()).hexdigest()[:12]}
            for side in ("train", "valid", "test")
        }
        for fold in made.json("folds.json")["folds"]
    }
    made.audit(sides=sides)


# -- seeds and costs --------------------------------------------------------------------------------------------------------


@forgery("taken", "")
def seed_of_sabotage(made: Forged) -> None:
    """A further seed of an honest method that answers at random, to draw its mean down."""
    _answer(made, seed=99, share_right=0.3)


@forgery("taken", "")
def seed_of_invention(made: Forged) -> None:
    """A further seed that is right nine times in ten."""
    _answer(made, seed=11, share_right=0.9)


def _answer(made: Forged, seed: int, share_right: float) -> None:
    """Answers of which a share is right; the others are drawn."""
    clips, classes = made.frame("clips.parquet"), made.json("folds.json")["classes"]
    truths = made.frame("truth.parquet").set_index("video")["emotion"]
    draw = random.Random(seed)
    right = clips["video"].map(truths)
    told = [true if draw.random() < share_right else draw.choice(classes) for true in right]
    shares = pd.Series([[float(name == answer) for name in classes] for answer in told], dtype=object)
    made.put_frame(clips.assign(predicted=told, probabilities=shares), "clips.parquet")
    made.setting(seed=seed)


@forgery("taken", "are those of ststnet-megc2019_flow-loso-seed0-bb4293bd")
def a_copy_that_is_first_by_name(made: Forged) -> None:
    made.setting(seed=7)


@forgery("refused", "fit_seconds of costs is 1e-09, which is impossible")
def trained_in_a_nanosecond(made: Forged) -> None:
    made.write({**made.json(), "costs": {**made.json()["costs"], "fit_seconds": 1e-9}})


@forgery("refused", "parameters of costs is 1, which is impossible")
def network_of_one_number(made: Forged) -> None:
    made.write({**made.json(), "costs": {**made.json()["costs"], "parameters": 1}})


@forgery("refused", "probabilities of clips.parquet")
def shares_of_nan(made: Forged) -> None:
    clips = made.frame("clips.parquet")
    made.put_frame(
        clips.assign(probabilities=pd.Series([[float("nan")] * 3 for _ in clips.index], dtype=object)), "clips.parquet"
    )
