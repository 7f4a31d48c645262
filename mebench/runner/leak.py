"""What selecting an epoch on the tested subjects gains, computed from the per-epoch predictions of one training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.config import RunConfig, from_plain
from mebench.metrics.bootstrap import Score
from mebench.metrics.classification import confusion_matrix, uar, uf1
from mebench.metrics.comparison import compare
from mebench.runner.guard import FILE as AUDIT
from mebench.runs.fold_files import EPOCH_PREDICTIONS
from mebench.runs.fold_result import ClipPrediction, FoldResult
from mebench.runs.folder import RunFolder, safe_name
from mebench.runs.scoring import scored_of, tables_of

if TYPE_CHECKING:  # tables of records need no Lightning
    from mebench.runner.plan import Plan

NAME = "worth of the looks"
"""Of a value in the audit of a leaking run: the honest run beside it, how often was looked, what it gained, and the curve."""
POINTS = 30
"""Of a curve, at most."""
SCORES = ("uf1", "uar")
NOBODY = -1
"""Instead of a class number: of a clip that nobody was asked about."""


def chosen(right: NDArray[np.bool_], rule: str) -> tuple[int, int]:
    """The epoch that a paper's program keeps, from 0, and how many it looked at.

    Args:
        right: which clips of a tested subject each epoch names rightly, (epochs, clips).
        rule: `leak`: the best of all epochs, of equal ones the first; `leak_last`: of equal ones the last; `leak_stop`: the first,
            and nothing is looked at after an epoch in which all are right.

    >>> right = np.array([[0, 1], [1, 1], [0, 0], [1, 1]], bool)
    >>> chosen(right, "leak"), chosen(right, "leak_last"), chosen(right, "leak_stop")
    ((1, 4), (3, 4), (1, 2))
    """
    count = right.sum(axis=1)
    if rule == "leak_last":
        return len(count) - 1 - int(count[::-1].argmax()), len(count)
    best = int(count.argmax())
    return best, best + 1 if rule == "leak_stop" and right[best].all() else len(count)


def without_leak(config: RunConfig, **more: Any) -> RunConfig:
    """The same configuration without an audit, and with some other values."""
    return from_plain({**config.values, "audit": "guard", **more}, {**config.origins, "audit": "default"})


def worth(audit: Mapping[str, Any]) -> dict[str, Any] | None:
    """The gain from the leak as the audit of a run states it, see `leak_worth`; None where it states none."""
    found = (entry["value"] for entry in audit.get("values", ()) if entry["name"] == NAME)
    return next(found, None)


def worth_of(folder: RunFolder) -> dict[str, Any] | None:
    """The same of a finished run."""
    there = folder.done and (folder.path / AUDIT).is_file()
    return worth(folder.read_json(AUDIT)) if there else None


def with_epoch_predictions(folder: RunFolder, plan: Plan) -> set[str]:
    """Keys of the folds of a run that kept the answers of every epoch."""
    return {
        fold.key for fold in plan.folds if (folder.path / "folds" / safe_name(fold.key) / EPOCH_PREDICTIONS).is_file()
    }


class EpochPredictions:
    """A run's predictions for the tested clips after each epoch, and the truth.

    Args:
        folder: of a run that keeps them.
        plan: of the leaking run, with the videos that are skipped.

    Attributes:
        of_fold: for each fold its clips, (clips,), and the numbers after each epoch, (epochs, clips, classes); of a fold that tests
            no scored clip (0, 0, classes).
        missed: for each fold the class numbers of the tested clips that nobody was asked about, since their videos show no face.
        epochs: after which somebody looked.
    """

    def __init__(self, folder: RunFolder, plan: Plan) -> None:
        self.plan, self.folder = plan, folder
        keys, number = ["video", "onset", "offset"], {name: place for place, name in enumerate(plan.task.classes)}
        videos = folder.read_table("videos.parquet").set_index("video")["subject"]
        truths = scored_of(folder.read_table("truth.parquet"))
        clips = truths[keys].assign(subject=truths["video"].map(videos), truth=truths["emotion"].map(number))
        self.of_fold: dict[str, tuple[pd.DataFrame, NDArray[np.float64]]] = {}
        self.missed: dict[str, list[int]] = {}
        for fold in plan.folds:
            table = folder.read_table(f"folds/{safe_name(fold.key)}/{EPOCH_PREDICTIONS}").drop_duplicates(
                ["epoch", *keys]
            )
            # Of several annotations of one interval each gets its answer, as in scoring.
            table = table.merge(clips, on=keys).sort_values(["epoch", *keys])
            own = table.loc[table["epoch"] == 0, [*keys, "subject", "truth"]].reset_index(drop=True)
            shape = table["epoch"].nunique(), len(own), len(number)
            self.of_fold[fold.key] = own, np.array(table["probabilities"].tolist(), np.float64).reshape(shape)
            faceless = {video.key for video in plan.sides(fold).test} & plan.skipped
            self.missed[fold.key] = clips.loc[clips["video"].isin(faceless), "truth"].tolist()
        self.epochs = max((len(numbers) for _, numbers in self.of_fold.values()), default=0)

    def picked(
        self, rule: str, most: int | None = None
    ) -> Iterator[tuple[str, pd.DataFrame, NDArray[np.float64], list[int]]]:
        """For each fold its clips, the numbers that a rule keeps for them, (clips, classes), and how many epochs it looked at.

        Args:
            rule: see `chosen`.
            most: epochs that are looked at; None for all.
        """
        for key, (clips, numbers) in self.of_fold.items():
            kept, n_epochs = np.empty(numbers.shape[1:]), []
            right = numbers.argmax(axis=2)[:most] == clips["truth"].to_numpy()
            for subject in dict.fromkeys(clips["subject"]):
                own = (clips["subject"] == subject).to_numpy()
                epoch, looked = chosen(right[:, own], rule)
                kept[own] = numbers[epoch, own]
                n_epochs.append(looked)
            yield key, clips, kept, n_epochs

    def folds(self, rule: str) -> Iterator[FoldResult]:
        """The folds of the leaking run, without weights, which must not be used."""
        for key, clips, kept, _ in self.picked(rule):
            record = self.folder.fold_record(key)
            fold = next(fold for fold in self.plan.folds if fold.key == key)
            places = zip(clips["video"], clips["onset"].tolist(), clips["offset"].tolist())
            classes = self.plan.task.classes
            answers = [
                ClipPrediction(*place, classes[int(row.argmax())], tuple(map(float, row)))
                for place, row in zip(places, kept)
            ]
            yield FoldResult(key, [], answers, {}, self.plan.timings(fold), record["seed"], record["costs"])

    def curve(self, rule: str) -> list[dict[str, float]]:
        """UF1 and UAR of the best of the first n epochs and of the nth, for up to 30 values of n."""
        points = sorted({round(n) for n in np.geomspace(1, self.epochs, POINTS)}) if self.epochs else []
        found = []
        for n in points:
            best = {key: kept.argmax(axis=1) for key, _, kept, _ in self.picked(rule, n)}
            nth = {key: numbers[n - 1].argmax(axis=1) for key, (clips, numbers) in self.of_fold.items() if len(clips)}
            scores = {name: self._scores(answers) for name, answers in (("leak", best), ("honest", nth))}
            found.append(
                {
                    "looks": n,
                    **{f"{score}_{name}": values[score] for name, values in scores.items() for score in SCORES},
                }
            )
        return found

    def _scores(self, answers: Mapping[str, NDArray[np.int64]]) -> dict[str, float]:
        """UF1 and UAR of the answers to each fold's clips, as the run is scored: of all clips pooled, or the mean over folds."""
        parts: dict[str, tuple[list[int], list[int]]] = {}
        for key, (clips, _) in self.of_fold.items():
            truth, said = parts.setdefault(key if self.plan.scored_each else "", ([], []))
            truth += [*clips["truth"].tolist(), *self.missed[key]]
            said += [*answers.get(key, np.empty(0, np.int64)).tolist(), *[NOBODY] * len(self.missed[key])]
        matrices = [confusion_matrix(truth, said, sorted(set(truth))) for truth, said in parts.values() if truth]
        return {
            name: float(np.mean([of_matrix(matrix) for matrix in matrices]))
            for name, of_matrix in zip(SCORES, (uf1, uar))
        }


def differences(honest: RunFolder, leaking: RunFolder, convention: str) -> dict[str, Score]:
    """Leaking minus honest for the main scores of two runs on the same truth, with 95 % intervals paired over subjects."""
    about = leaking.read_json("folds.json")
    found = compare(
        tables_of(leaking),
        tables_of(honest),
        kinds=about["kinds"],
        classes=about["classes"],
        convention=convention,
        permutations=1,
    )
    return {path: row.difference for path, row in found.scores.items()}


def leak_worth(epoch_predictions: EpochPredictions, leaking: RunFolder, rule: str, convention: str) -> dict[str, Any]:
    """The gain from selecting an epoch on the tested subjects, for the audit of the leaking run.

    Args:
        epoch_predictions: of the honest run.
        leaking: the run with the answers that the rule keeps.
        rule: see `chosen`.
        convention: of scoring.

    Returns:
        `rule`; `honest`: id of the run beside it; `looks`: the least, the mean and the most of a tested subject; `differences`,
        and `curve`, see `Looks.curve`.
    """
    counts = [n for _, _, _, found in epoch_predictions.picked(rule) for n in found]
    return {
        "rule": rule,
        "honest": epoch_predictions.folder.id,
        "looks": {"least": min(counts), "mean": round(float(np.mean(counts)), 1), "most": max(counts)},
        "differences": differences(epoch_predictions.folder, leaking, convention),
        "curve": epoch_predictions.curve(rule),
    }
