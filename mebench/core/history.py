"""The training history of a method by epochs, as plain data without PyTorch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Self

Split = Literal["train", "valid"]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the samples of a stage.

    Attributes:
        stage: name of the stage.
        epoch: from 0.
        split: `train`, while the weights change and dropout is at work, or `valid`, after the epoch on subjects held out.
        loss: mean over the samples, penalties left out; NaN if not recorded.
        accuracy: share of samples classified right; None if not counted.
        uf1: unweighted mean of the classes' F1, over all samples at once; None where no classes were scored.
        uar: unweighted average recall, the same.
        step: training steps so far, where metrics were logged.
        logged: values of `self.log` by name; the other fields are then empty.
    """

    stage: str
    epoch: int
    split: Split
    loss: float
    accuracy: float | None
    uf1: float | None = None
    uar: float | None = None
    step: int | None = None
    logged: Mapping[str, float] = field(default_factory=dict)

    def to_row(self) -> dict[str, Any]:
        """A row of `history.csv`: one column for each logged metric."""
        row = asdict(self)
        logged: dict[str, Any] = row.pop("logged")
        if self.step is None:
            del row["step"]
        return row | logged

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Self:
        """An epoch from a table row, without its fold. A missing number is None, a missing loss NaN."""
        known = {field.name for field in fields(cls)}
        missing = {name: None for name, value in row.items() if value != value and name != "loss"}
        values: dict[str, Any] = {**row, **missing}
        logged = {name: value for name, value in values.items() if name not in known and value is not None}
        return cls(**{name: value for name, value in values.items() if name in known}, logged=logged)


class History:
    """Sums losses and right answers over batches; values are read only at the end, so that no batch waits for the
    device.
    """

    def __init__(self) -> None:
        self._sums: dict[tuple[str, int, Split], list[Any]] = {}
        self._scores: dict[tuple[str, int, Split], tuple[float, float]] = {}
        self._logged: list[Epoch] = []

    def add(self, stage: str, epoch: int, split: Split, n: int, loss: Any, right: Any = None) -> None:
        """Count a batch.

        Args:
            stage: name of the stage.
            epoch: from 0.
            split: split of the samples.
            n: samples in the batch.
            loss: their mean loss, a number or a tensor without gradient.
            right: number of samples classified right, the same; None if not counted.
        """
        sums = self._sums.setdefault((stage, epoch, split), [0, 0.0, None])
        sums[0] += n
        sums[1] = sums[1] + loss * n
        if right is not None:
            sums[2] = right if sums[2] is None else sums[2] + right

    def score(self, stage: str, epoch: int, split: Split, uf1: float, uar: float) -> None:
        """Record the scores of all samples of a pass; `add` counts its batches."""
        self._sums.setdefault((stage, epoch, split), [0, 0.0, None])
        self._scores[stage, epoch, split] = uf1, uar

    def log(self, stage: str, epoch: int, split: Split, step: int, metrics: Mapping[str, float]) -> None:
        """Record logged metrics of a training step."""
        self._logged.append(Epoch(stage, epoch, split, float("nan"), None, step=step, logged=dict(metrics)))

    def values_of_pass(self, stage: str, epoch: int, split: Split) -> dict[str, float]:
        """What `add` and `score` noted of a pass, by the names of `Epoch`; undefined values are left out."""
        noted = next((e for e in self.list_epochs() if (e.stage, e.epoch, e.split) == (stage, epoch, split)), None)
        numbers = {} if noted is None else {n: getattr(noted, n) for n in ("loss", "accuracy", "uf1", "uar")}
        return {name: value for name, value in numbers.items() if value is not None and not math.isnan(value)}

    def state(self, stage: str, epoch: int) -> list[Any]:
        """The history before an epoch that has just begun, as plain data for `from_state`."""
        before = [one.to_row() for one in self._logged if (one.stage, one.epoch) != (stage, epoch)]
        return [self._sums, self._scores, before]

    @classmethod
    def from_state(cls, state: Sequence[Any]) -> Self:
        """The history of that state."""
        history = cls()
        history._sums, history._scores = state[:2]
        history._logged = [Epoch.of_row(row) for row in state[2]]
        return history

    def list_epochs(self) -> list[Epoch]:
        """All epochs in order of their start, then logged metrics."""
        summed = []
        for key, (n, loss, right) in self._sums.items():
            mean_loss = float(loss) / n if n else float("nan")
            accuracy = None if right is None else float(right) / n
            uf1, uar = self._scores.get(key, (None, None))
            summed.append(Epoch(*key, mean_loss, accuracy, uf1, uar))
        return summed + self._logged
