"""The gain of selecting the epoch on the tested subjects, from one training.

A spotter's threshold is selected, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.config import RunConfig
from mebench.config.resolving import with_settings
from mebench.core import Prediction
from mebench.metrics import Tables, confusion_matrix
from mebench.metrics.classification import uar, uf1
from mebench.metrics.compared_tables import compare_tables
from mebench.metrics.epoch_choices import count_grid
from mebench.runner.guard import FILE as AUDIT
from mebench.runs import ClipPrediction, FoldResult, RunFolder
from mebench.runs.fold_files import EPOCH_PREDICTIONS, read_fold
from mebench.runs.scoring import read_tables, select_scored_clips

if TYPE_CHECKING:  # tables of records need no Lightning
    from mebench.runner.run_data import RunData

NAME = "worth of the looks"
"""Keys of the audit of a leaking run: its honest run, the number of epochs to choose from, the gain, and the curve."""
UNANSWERED = -1
"""Instead of a class number: a clip without an answer."""
CUTS = 50
"""Thresholds that a spotter's intervals are cut at, at most: confidences with equally many intervals between them."""


def choose_epoch(right: NDArray[Any], rule: str) -> tuple[int, int]:
    """The epoch that a paper's program keeps, from 0, and how many it evaluates.

    Args:
        right: which clips of a tested subject each epoch classifies right, (epochs, clips); of a spotter F1, (epochs,
            1).
        rule: `leak`: the first of the best epochs; `leak_last`: the last of them; `leak_stop`: the first, and training
            ends after an epoch without mistakes.

    >>> right = np.array([[0, 1], [1, 1], [0, 0], [1, 1]], bool)
    >>> choose_epoch(right, "leak"), choose_epoch(right, "leak_last"), choose_epoch(right, "leak_stop")
    ((1, 4), (3, 4), (1, 2))
    """
    n_right = right.sum(axis=1)
    n_epochs = len(n_right)
    if rule == "leak_last":
        return n_epochs - 1 - int(n_right[::-1].argmax()), n_epochs
    best = int(n_right.argmax())
    has_no_mistake = bool((right[best] == 1).all())
    n_evaluated = best + 1 if rule == "leak_stop" and has_no_mistake else n_epochs
    return best, n_evaluated


def without_leak(config: RunConfig, **more: Any) -> RunConfig:
    """The same configuration without an audit, and with some other settings of the run."""
    return with_settings(config, {"audit": "guard", **more}, {"audit": "default"})


def worth_in_audit(audit: Mapping[str, Any]) -> dict[str, Any] | None:
    """The gain from the leak as the audit of a run states it, see `measure_worth`; None where it states none."""
    return next((entry["value"] for entry in audit.get("values", ()) if entry["name"] == NAME), None)


def worth_of(folder: RunFolder) -> dict[str, Any] | None:
    """The same of a finished run."""
    finished = folder.done and (folder.path / AUDIT).is_file()
    return worth_in_audit(folder.read_json(AUDIT)) if finished else None


def with_epoch_predictions(folder: RunFolder, data: RunData) -> set[str]:
    """Keys of the folds of a run that kept the predictions of every epoch."""
    return {fold.key for fold in data.folds if (folder.fold_folder(fold.key) / EPOCH_PREDICTIONS).is_file()}


def _tables_of(folder: RunFolder, data: RunData) -> Iterator[tuple[str, pd.DataFrame]]:
    """The predictions of every epoch of each fold, by its key."""
    for fold in data.folds:
        yield fold.key, folder.read_table(f"folds/{folder.fold_folder(fold.key).name}/{EPOCH_PREDICTIONS}")


class EpochPredictions:
    """The answers of a run to the tested clips after each epoch, with the truth; the epochs that a rule keeps, and their
    gain.

    Args:
        folder: folder of a run that keeps them.
        data: data of the leaking run, with the skipped videos.

    Attributes:
        epochs: number of the evaluated epochs.
        of_fold: for each fold its clips, (clips,), and the class scores after each epoch, (epochs, clips, classes); (0,
            0, classes) for a fold without scored clips.
        missed: for each fold the class numbers of tested clips without predictions, since their videos show no face.
    """

    def __init__(self, folder: RunFolder, data: RunData) -> None:
        self.data = data
        self.folder = folder
        keys = ["video", "onset", "offset"]
        number = {name: place for place, name in enumerate(data.task.classes)}
        videos = folder.read_table("videos.parquet").set_index("video")["subject"]
        truths = select_scored_clips(folder.read_table("truth.parquet"))
        clips = truths[keys].assign(subject=truths["video"].map(videos), truth=truths["emotion"].map(number))
        self.of_fold: dict[str, tuple[pd.DataFrame, NDArray[np.float64]]] = {}
        self.missed: dict[str, list[int]] = {}
        for fold, (_, table) in zip(data.folds, _tables_of(folder, data)):
            # Of several annotations of one interval each gets its answer, as in scoring.
            table = table.drop_duplicates(["epoch", *keys]).merge(clips, on=keys).sort_values(["epoch", *keys])
            first = table.loc[table["epoch"] == 0, [*keys, "subject", "truth"]].reset_index(drop=True)
            shape = table["epoch"].nunique(), len(first), len(number)
            self.of_fold[fold.key] = first, np.array(table["probabilities"].tolist(), np.float64).reshape(shape)
            faceless = {video.key for video in data.tested_videos(fold)} & data.skipped.keys()
            self.missed[fold.key] = clips.loc[clips["video"].isin(faceless), "truth"].tolist()
        self.epochs = max((len(numbers) for _, numbers in self.of_fold.values()), default=0)

    def pick_epochs(
        self, rule: str, most: int | None = None
    ) -> Iterator[tuple[str, pd.DataFrame, NDArray[np.float64], list[int]]]:
        """Each fold with its clips, their kept class scores, and the evaluated epochs.

        Args:
            rule: see `choose_epoch`.
            most: epochs that are looked at; None for all.
        """
        for key, (clips, numbers) in self.of_fold.items():
            kept = np.empty(numbers.shape[1:])
            n_epochs = []
            right = numbers.argmax(axis=2)[:most] == clips["truth"].to_numpy()
            for subject in dict.fromkeys(clips["subject"]):
                of_subject = (clips["subject"] == subject).to_numpy()
                epoch, looked = choose_epoch(right[:, of_subject], rule)
                kept[of_subject] = numbers[epoch, of_subject]
                n_epochs.append(looked)
            yield key, clips, kept, n_epochs

    def choose_folds(self, rule: str) -> Iterator[FoldResult]:
        """The folds of the leaking run, without weights, since these must not be used."""
        for key, clips, kept, _ in self.pick_epochs(rule):
            record = self.folder.fold_record(key)
            fold = next(fold for fold in self.data.folds if fold.key == key)
            places = zip(clips["video"], clips["onset"].tolist(), clips["offset"].tolist())
            classes = self.data.task.classes
            answers = [
                ClipPrediction(*place, classes[int(row.argmax())], tuple(map(float, row)))
                for place, row in zip(places, kept)
            ]
            yield FoldResult(key, [], answers, {}, self.data.find_timings(fold), record["seed"], record["costs"])

    def count_epochs(self, rule: str) -> list[int]:
        """The number of evaluated epochs for each tested subject."""
        return [n for _, _, _, found in self.pick_epochs(rule) for n in found]

    def points(self, most: int, leaking: bool, rule: str) -> dict[str, float]:
        """UF1 and UAR of the best of the first n epochs, or of the n-th."""
        if leaking:
            answers = {key: kept.argmax(axis=1) for key, _, kept, _ in self.pick_epochs(rule, most)}
        else:
            with_clips = {key: numbers for key, (clips, numbers) in self.of_fold.items() if len(clips)}
            answers = {key: numbers[most - 1].argmax(axis=1) for key, numbers in with_clips.items()}
        return self._scores(answers)

    def _scores(self, answers: Mapping[str, NDArray[np.int64]]) -> dict[str, float]:
        """UF1 and UAR of the answers to each fold's clips, as the run is scored: of all clips pooled, or the mean over
        folds.
        """
        parts: dict[str, tuple[list[int], list[int]]] = {}
        for key, (clips, _) in self.of_fold.items():
            scored_together = key if self.data.scored_each else "all folds"
            truths, predicted = parts.setdefault(scored_together, ([], []))
            truths += clips["truth"].tolist()
            predicted += answers[key].tolist() if key in answers else []
            truths += self.missed[key]
            predicted += [UNANSWERED] * len(self.missed[key])
        matrices = [
            confusion_matrix(truths, predicted, sorted(set(truths))) for truths, predicted in parts.values() if truths
        ]
        return {
            "uf1": float(np.mean([uf1(matrix) for matrix in matrices])),
            "uar": float(np.mean([uar(matrix) for matrix in matrices])),
        }


class EpochIntervals:
    """The intervals of a run in the tested videos after each epoch.

    For each tested person a rule chooses the epoch, and the confidence from which an interval counts, by F1 over the kinds
    that are spotted; of equally good thresholds the lowest.

    Args:
        folder: see `EpochPredictions`.
        data: see `EpochPredictions`.
        convention: convention of scoring.

    Attributes:
        epochs: number of the evaluated epochs.
        grid: F1's counts of each person at every epoch and threshold.
        units: number of the person in `grid` by video.
    """

    def __init__(self, folder: RunFolder, data: RunData, convention: str) -> None:
        self.data = data
        self.folder = folder
        self.tables = tables = read_tables(folder)
        videos = tables.put_in_order().videos
        self.units = dict(zip(videos["video"], videos["unit"]))
        self.every = every = pd.concat([table for _, table in _tables_of(folder, data)], ignore_index=True).assign(
            draw=0
        )
        self.epochs = int(every["epoch"].max()) + 1 if len(every) else 0
        sure = every["confidence"].to_numpy(np.float64)
        cuts = np.unique(np.quantile(sure, np.linspace(0, 1, CUTS), method="lower")) if len(sure) else np.zeros(1)
        answers = {
            str(epoch): replace(tables, predictions=every[every["epoch"] == epoch], clips=None)
            for epoch in range(max(self.epochs, 1))
        }
        self.grid = count_grid(answers, data.task.kinds, cuts.tolist(), convention)
        self.of_people = np.stack([self.grid.compute_f1(p) for p in np.eye(len(self.grid.people), dtype=bool)], axis=-1)

    def pick_epochs(self, rule: str, most: int | None = None, cut: bool = True) -> list[tuple[int, int, int]]:
        """For each person the kept epoch and index of the threshold, and the evaluated epochs.

        Args:
            rule: see `choose_epoch`.
            most: epochs that are looked at; None for all.
            cut: whether the threshold is chosen, too; otherwise all intervals count.
        """
        f1 = self.of_people[:most] if cut else self.of_people[:most, :1]
        epochs = [choose_epoch(scores.max(axis=1)[:, None], rule) for scores in np.moveaxis(f1, -1, 0)]
        return [(epoch, int(f1[epoch, :, person].argmax()), n) for person, (epoch, n) in enumerate(epochs)]

    def kept_intervals(self, rule: str, cut: bool = True) -> pd.DataFrame:
        """The intervals that a rule keeps, as in the tables of the folds; `cut` as in `pick_epochs`."""
        picked = np.array([(epoch, self.grid.thresholds[at]) for epoch, at, _ in self.pick_epochs(rule, cut=cut)])
        kept_at = picked[self.every["video"].map(self.units).to_numpy(np.int64)]
        chosen_ones = (self.every["epoch"] == kept_at[:, 0]) & (self.every["confidence"] >= kept_at[:, 1])
        return pd.DataFrame(self.every[chosen_ones])

    def choose_folds(self, rule: str) -> Iterator[FoldResult]:
        """The folds of the leaking run, see `EpochPredictions.choose_folds`; what the rule does not choose comes from the honest
        run.
        """
        kept = self.kept_intervals(rule).astype(object)
        kept = kept.where(kept.notna(), None)
        for fold in self.data.folds:
            rows = kept.loc[kept["fold"] == fold.key, [field.name for field in fields(Prediction)]].to_dict("records")
            intervals = [Prediction(**{str(name): value for name, value in row.items()}) for row in rows]
            honest = read_fold(self.folder.fold_folder(fold.key), self.data.task.kinds)
            yield replace(honest, predictions=intervals, frame_scores={}, model=b"", history=[], notes={})

    def score_epoch_alone(self, rule: str, convention: str) -> dict[str, Any]:
        """The gain of choosing the epoch alone, as `differences`: the programs of AUW-GCN and SpotFormer choose no
        threshold.
        """
        alone = replace(self.tables, predictions=self.kept_intervals(rule, cut=False))
        return {"epoch_alone": score_differences(self.folder, self.folder, convention, alone)}

    def count_epochs(self, rule: str) -> list[int]:
        """The number of evaluated pairs of epoch and threshold for each tested person."""
        return [n * len(self.grid.thresholds) for _, _, n in self.pick_epochs(rule)]

    def points(self, most: int, leaking: bool, rule: str) -> dict[str, float]:
        """F1 over the kinds that are spotted, see `EpochPredictions.points`."""
        places = [(most - 1, 0)]
        if leaking:
            places = [(epoch, cut) for epoch, cut, _ in self.pick_epochs(rule, most)]
        epochs, cuts = np.broadcast_to(np.array(places).T, (2, len(self.grid.people)))
        people = np.arange(len(self.grid.people))
        n_found = self.grid.found[epochs, cuts, people].sum()
        n_spotted = self.grid.spotted[epochs, cuts, people].sum()
        return {"f1": float(2 * n_found / max(n_spotted + self.grid.truths.sum(), 1))}


EpochAnswers = EpochPredictions | EpochIntervals
MOST_POINTS = 30
"""Points of a curve, at most."""


def epochs_of(folder: RunFolder, data: RunData, convention: str) -> EpochAnswers:
    """Intervals of a run that spots, else answers to annotated clips.

    Args:
        folder: folder of a run that keeps them.
        data: data of the leaking run, with the skipped videos.
        convention: convention of scoring.
    """
    return EpochIntervals(folder, data, convention) if "spot" in data.task.tasks else EpochPredictions(folder, data)


def epoch_curve(answers: EpochAnswers, rule: str) -> list[dict[str, float]]:
    """Scores of the best of n epochs and of the n-th, for some n."""
    if not answers.epochs:
        return []
    numbers = sorted({round(n) for n in np.geomspace(1, answers.epochs, MOST_POINTS)})
    curve = []
    for n in numbers:
        point: dict[str, float] = {"looks": n}
        for score, value in answers.points(n, True, rule).items():
            point[f"{score}_leak"] = value
        for score, value in answers.points(n, False, rule).items():
            point[f"{score}_honest"] = value
        curve.append(point)
    return curve


def score_differences(
    honest: RunFolder, leaking: RunFolder, convention: str, answers: Tables | None = None
) -> dict[str, dict[str, Any]]:
    """Leaking minus honest main scores of two runs, with paired 95 % intervals.

    The truth is the same, and the intervals are paired over subjects.

    Args:
        honest: a run.
        leaking: another.
        convention: convention of the scores.
        answers: instead of the leaking run's own.
    """
    about = leaking.read_json("folds.json")
    comparison = compare_tables(
        read_tables(leaking) if answers is None else answers,
        read_tables(honest),
        kinds=about["kinds"],
        classes=about["classes"],
        convention=convention,
        permutations=1,
    )
    return {path: row.difference.plain() for path, row in comparison.scores.items()}


def measure_worth(epoch_predictions: EpochAnswers, leaking: RunFolder, rule: str, convention: str) -> dict[str, Any]:
    """The gain from selecting an epoch on the tested subjects, for an audit.

    See `guard.write_audit`.

    Args:
        epoch_predictions: predictions of the honest run after each epoch.
        leaking: the run with the predictions that the rule keeps.
        rule: see `choose_epoch`.
        convention: convention of scoring.

    Returns:
        Its value: `rule`; `honest`: id of the run beside it; `looks`: the evaluated epochs of a tested subject: least, mean and
        most; `differences`; of a spotter `epoch_alone`, see `EpochIntervals.score_epoch_alone`; and `curve`, see `epoch_curve`.
    """
    counts = epoch_predictions.count_epochs(rule)
    of_epoch_alone = {}
    if isinstance(epoch_predictions, EpochIntervals):
        of_epoch_alone = epoch_predictions.score_epoch_alone(rule, convention)
    gain = {
        "rule": rule,
        "honest": epoch_predictions.folder.id,
        "looks": {"least": min(counts), "mean": round(float(np.mean(counts)), 1), "most": max(counts)},
        "differences": score_differences(epoch_predictions.folder, leaking, convention),
        **of_epoch_alone,
        "curve": epoch_curve(epoch_predictions, rule),
    }
    return {"name": NAME, "saw": "test", "value": gain}
