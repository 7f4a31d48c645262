"""UF1, UAR, spotting F1 and STRS as `torchmetrics.Metric`.

They serve a training of your own and `mebench.training.fit`.

Each gathers counts over batches and processes and scores them once, by the functions that score a run: nothing is averaged
over batches. The results are those of `mebench.metrics.summary` for the same answers, without its intervals.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torchmetrics import Metric

from mebench.core import KINDS, Expression, Kind, Prediction
from mebench.errors import ConfigError, DataError, check_known
from mebench.metrics.classification import confusion_matrix, counts_of
from mebench.metrics.conventions import Convention, find_convention
from mebench.metrics.emotions import class_scores, of_true_positives, scored_classes
from mebench.metrics.joint_scores import strs
from mebench.metrics.spotting_scores import SpottingCounts, count_spotting, precision_recall_f1
from mebench.metrics.tables import Tables

Intervals = pd.DataFrame | Mapping[str, Any] | Sequence[Prediction] | Sequence[Expression]
"""A table of intervals, or its columns by name (tensors, arrays, lists, or one value for all rows), or objects as rows."""

__all__ = ["STRS", "UAR", "UF1", "SpottingF1"]


class _Score(Metric):  # type: ignore[misc]
    """A number between 0 and 1 under a convention.

    Attributes:
        score: its name in the catalogue.
        section: the part of a summary that holds it.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    score: ClassVar[str]
    section: ClassVar[str]

    def __init__(self, convention: str | Convention, options: Mapping[str, Any]) -> None:
        super().__init__(**options)
        self.rules = find_convention(convention)
        defines = self.rules.defines if self.section == "spotting" else self.rules.defines_of_classes
        if self.section not in self.rules.sections or not defines(self.score):
            raise ConfigError(
                f"the convention {self.rules.name!r} defines no {self.score} of {self.section}: choose another, for "
                "example 'strict'"
            )

    def _of_classes(self, counts: Tensor, support: Tensor, score: str) -> float:
        """A score of pooled answers (C, C + 1) over the counted classes.

        The convention counts them. NaN if it counts none.

        By default these are the classes that occur in the truth, as often as `support` says, (C,).
        """
        pooled = counts.cpu().numpy()
        # The answers one by one again, in any order: one of a class that is not counted is nobody's false positive.
        truth, predicted = np.repeat(np.indices(pooled.shape).reshape(2, -1), pooled.ravel(), axis=1).tolist()
        scored = scored_classes(self.rules, range(len(pooled)), support.nonzero().flatten().tolist(), predicted)
        if not scored:
            return float("nan")
        matrix = confusion_matrix(truth, predicted, scored)
        return float(class_scores(self.rules, (score,), counts_of(matrix))[score])

    def _result(self, value: float) -> Tensor:
        # Apple's GPUs know no double.
        return torch.tensor(value, dtype=torch.float32 if self.device.type == "mps" else torch.float64).to(self.device)


class _ClassScore(_Score):
    """A score of named clips.

    Args:
        n_classes: number of classes C.
        convention: the rules, or their name. Under `strict` the score is the mean over the classes that occur in the truth of
            all batches, as in a summary; where the convention takes `all` classes, over those.
        options: options of `torchmetrics.Metric`.

    Raises:
        ConfigError: the convention does not define the score.
    """

    section = "recognition"
    answers: Tensor

    def __init__(self, n_classes: int, convention: str | Convention = "strict", **options: Any) -> None:
        super().__init__(convention, options)
        self.n_classes = n_classes
        self.add_state("answers", torch.zeros(n_classes, n_classes + 1, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Add a batch.

        Args:
            preds: class numbers (n,), or class scores (n, C), of which the highest is the answer, of equal ones the first.
            target: true class numbers (n,); a clip with another number than 0 to C - 1 is left out.

        Raises:
            DataError: the shapes do not fit.
        """
        scores = preds.ndim == 2 and preds.shape[1] == self.n_classes
        if target.ndim != 1 or not (scores or preds.ndim == 1) or len(preds) != len(target):
            raise DataError(
                f"{type(self).__name__}: classes (n,) or scores (n, {self.n_classes}) are expected beside true classes (n,), "
                f"not {tuple(preds.shape)} beside {tuple(target.shape)}"
            )
        predicted = preds.argmax(dim=1) if scores else preds
        matrix = confusion_matrix(target.tolist(), predicted.tolist(), range(self.n_classes))
        self.answers = self.answers + torch.from_numpy(matrix).to(self.device)

    def compute(self) -> Tensor:
        """The score of all clips at once; NaN without a clip of a class that counts, otherwise 0/0 as the convention says."""
        return self._result(self._of_classes(self.answers, self.answers.sum(dim=1), self.score))


class UF1(_ClassScore):
    """Unweighted mean of the classes' F1 (MEAN, equation 22): `mebench.metrics.classification.uf1` of all clips at once.

    >>> uf1 = UF1(n_classes=3)
    >>> uf1.update(torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1]]), torch.tensor([0, 1]))  # scores
    >>> uf1.update(torch.tensor([1, 1]), torch.tensor([0, 1]))  # class numbers; nobody shows the third class
    >>> uf1.compute()
    tensor(0.7333, dtype=torch.float64)
    """

    score = "uf1"


class UAR(_ClassScore):
    """Unweighted average recall (MEAN, equation 23): `mebench.metrics.classification.uar` of all clips at once.

    >>> uar = UAR(n_classes=3)
    >>> uar.update(torch.tensor([0, 1, 1, 1]), torch.tensor([0, 1, 0, 1]))  # nobody shows the third class
    >>> uar.compute()
    tensor(0.7500, dtype=torch.float64)
    """

    score = "uar"


class SpottingF1(_Score):
    """F1 of spotted intervals (MEAN, equations 15 and 16), matched to the truth by `mebench.metrics.matching`.

    Args:
        kinds: the kinds that are spotted, counted together; intervals of different kinds never match.
        convention: the rules, or their name: ends of intervals, IoU, matching, which videos count.
        options: options of `torchmetrics.Metric`.

    Raises:
        ConfigError: there is no such kind or convention, or it cannot be followed video by video.

    >>> f1 = SpottingF1()
    >>> spotted = {"onset": torch.tensor([10, 60]), "offset": torch.tensor([19, 79]), "kind": "micro"}
    >>> f1.update(spotted, {"onset": torch.tensor([12]), "offset": torch.tensor([21]), "kind": "micro"})
    >>> f1.update([], [Expression(5, 9)])  # another video, in which nothing was spotted
    >>> f1.compute()
    tensor(0.5000, dtype=torch.float64)
    """

    section = "spotting"
    score = "f1"

    def __init__(
        self, kinds: Sequence[Kind] = ("micro",), convention: str | Convention = "strict", **options: Any
    ) -> None:
        super().__init__(convention, options)
        for kind in kinds:
            check_known("kind", kind, KINDS)
        if self.rules.videos == "of_spotted_subjects":
            raise ConfigError(
                f"the convention {self.rules.name!r} counts a video only if something was spotted for its subject, "
                "which a single batch does not show: score the finished run with it, or choose another"
            )
        self.kinds = tuple(kinds)
        # A collection shares the state of metrics that look alike after the first batch, so these are told apart by name.
        self._state = re.sub(r"\W", "_", "_".join((*self.kinds, self.rules.name)))
        self.add_state(self._state, torch.zeros(3, dtype=torch.long), dist_reduce_fx="sum")

    @property
    def intervals(self) -> Tensor:
        """True positives, spotted intervals and truths, (3,)."""
        return getattr(self, self._state)  # type: ignore[no-any-return]

    def update(self, preds: Intervals, target: Intervals) -> None:
        """Add whole videos: all that was spotted in them, and all their truths.

        Frames are 0-based, both ends inclusive. Where one of the tables has no column `video`, the call is about one video;
        what `Method.propose` answers and `video.expressions` can so be handed over as they are.

        Args:
            preds: columns `video`, `kind`, `onset`, `offset`, and where known `apex` and `confidence`, which decides between
                equal matchings; an empty list where nothing was spotted.
            target: columns `video`, `kind`, `onset`, `offset`, and where known `apex`.

        Raises:
            DataError: a column lacks, an interval ends before it begins, or there are several random draws.
        """
        self._count(preds, target)

    def _count(self, preds: Intervals, target: Intervals) -> SpottingCounts:
        """Add the counts of whole videos, and return them."""
        tables = [_frame(table) for table in (preds, target)]
        if any("video" not in table for table in tables if len(table)):
            tables = [table.assign(video="") for table in tables]
        predictions, truths = (_with_all_columns(table) for table in tables)
        if predictions["draw"].nunique() > 1:
            raise DataError(
                "preds holds several random draws of intervals: give one draw only, or each to a metric of its own"
            )
        names = pd.unique(pd.concat([predictions["video"], truths["video"]]))
        videos = pd.DataFrame({"video": names, "subject": "", "dataset": "", "n_frames": np.nan, "fps": np.nan})
        ordered = Tables(videos, truths, predictions.assign(draw=0)).put_in_order()
        counts = count_spotting(ordered.truths, ordered.spotted, np.array([np.nan]), self.rules, kinds=self.kinds)
        more = np.concatenate([counts.true_positives, counts.spotted, counts.truths]).astype(np.int64)
        setattr(self, self._state, self.intervals + torch.from_numpy(more).to(self.device))
        return counts

    def compute(self) -> Tensor:
        """F1 of all videos at once; 0 where all is false alarm, NaN where nothing is true or spotted."""
        return self._result(self._f1())

    def _f1(self) -> float:
        found, spotted, true = self.intervals.tolist()
        if spotted + true == 0:
            return float("nan")
        return precision_recall_f1(found, spotted - found, true - found)[2]


class STRS(SpottingF1):
    """Spot-then-recognize score of micro-expressions (MEAN, equation 24): spotting F1 x analysis F1 of the true positives.

    `mebench.metrics.joint_scores.strs` of `SpottingF1` and `mebench.metrics.classification.f1_of_macros`.

    Args:
        classes: names of the scored classes.
        convention: the rules, or their name. Under `strict` the classes that occur in the truth of all videos count.
        options: options of `torchmetrics.Metric`.

    Raises:
        ConfigError: there is no such convention, it defines no STRS, or it cannot be followed video by video.

    >>> score = STRS(["negative", "positive"])
    >>> spotted = {"onset": [10, 60], "offset": [19, 79], "kind": "micro", "emotion": torch.tensor([0, 1])}
    >>> score.update(spotted, {"onset": [12], "offset": [21], "kind": "micro", "emotion": ["negative"]})
    >>> score.compute()  # one of two intervals is right, and its emotion too: 2/3 x 1
    tensor(0.6667, dtype=torch.float64)
    """

    section = "analysis"
    score = "strs"
    answers: Tensor
    support: Tensor

    def __init__(self, classes: Sequence[str], convention: str | Convention = "strict", **options: Any) -> None:
        super().__init__(("micro",), convention, **options)
        if self.rules.pairing == "shifted":
            raise ConfigError(
                f"the convention {self.rules.name!r} compares answers with truths across videos, which no single batch holds: "
                "score the finished run with it, or choose another"
            )
        self.classes = tuple(classes)
        n = len(self.classes)
        self.add_state("answers", torch.zeros(n, n + 1, dtype=torch.long), dist_reduce_fx="sum")
        self.add_state("support", torch.zeros(n, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, preds: Intervals, target: Intervals) -> None:
        """Add whole videos, as `SpottingF1.update`, with one more column in both tables.

        `emotion` is a class's name or number (`Scheme.class_of` says it of an expression, whose own label is native). A truth
        of any other emotion, or of none, counts in spotting only.

        Args:
            preds: spotted intervals.
            target: the truths.

        Raises:
            DataError: as for `SpottingF1`.
        """
        tables = [_frame(table) for table in (preds, target)]
        counts = self._count(*(_with_class_names(table, self.classes) for table in tables))
        truths, predictions = counts.tables
        named = of_true_positives(truths, predictions, counts.found, 1, self.classes, by_draw=False)
        self.answers = self.answers + torch.from_numpy(named.matrices[0]).to(self.device)
        self.support = self.support + torch.from_numpy(named.support[0]).to(self.device)

    def compute(self) -> Tensor:
        """STRS of all videos at once; NaN without a truth of a class that counts."""
        return self._result(float(strs(self._f1(), self._of_classes(self.answers, self.support, "f1"))))


def _with_all_columns(table: pd.DataFrame) -> pd.DataFrame:
    """A table of intervals with the columns that it lacks, without values."""
    if not len(table):
        table = table.reindex(columns=["video", "kind", "onset", "offset"])
    without_value = {"apex": np.nan, "emotion": None, "confidence": np.nan, "draw": 0}
    return table.assign(**{name: value for name, value in without_value.items() if name not in table})


def _with_class_names(table: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """The table with names of classes in place of their numbers, if it has emotions."""
    if "emotion" not in table:
        return table
    name = dict[Any, str](enumerate(classes))
    return table.assign(emotion=table["emotion"].map(lambda e: str(name.get(e, e)), na_action="ignore"))


def _frame(table: Intervals) -> pd.DataFrame:
    """Any form of a table of intervals as a table of its own."""
    if isinstance(table, pd.DataFrame):
        return table
    if isinstance(table, Mapping):
        tensors = {name: column.tolist() for name, column in table.items() if isinstance(column, Tensor)}
        return pd.DataFrame({**table, **tensors})
    return pd.DataFrame(list(table))  # pandas knows dataclasses
