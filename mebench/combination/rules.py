"""The rules by which predictions are combined."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from mebench.errors import ConfigError, check_known, refuse_if

ClassRule = Literal["mean", "vote"]
IntervalRule = Literal["weighted", "merged"]
EQUAL = "equal"
CHOSEN = "chosen"


@dataclass(frozen=True)
class CombinationRules:
    """How members are combined.

    Attributes:
        classes: `mean` of the members' class probabilities, or a `vote` of their classes.
        intervals: ends of a group of overlapping intervals: their `weighted` mean, or `merged`, from the first onset to the last offset.
        weights: `equal`; `chosen` on other people; or a number for each member.
        overlap: least intersection over union of an interval and the group that it joins.
        agreement: least share of the members' weights in a group that is kept.
        name: name in tables and of the run.
    """

    classes: ClassRule = "mean"
    intervals: IntervalRule = "weighted"
    weights: str | tuple[float, ...] = EQUAL
    overlap: float = 0.5
    agreement: float = 0.5
    name: str = "combination"

    def __post_init__(self) -> None:
        """Check names and ranges."""
        check_known("classes", self.classes, get_args(ClassRule), where="--classes")
        check_known("intervals", self.intervals, get_args(IntervalRule), where="--intervals")
        if isinstance(self.weights, str):
            check_known("weights", self.weights, (EQUAL, CHOSEN), "Or give a number for each run", where="--weights")
        elif min(self.weights, default=0.0) < 0 or not 0 < sum(self.weights) < float("inf"):
            raise ConfigError(f"--weights must be numbers of at least 0, one of them above, not {list(self.weights)}")
        refuse_if(
            (not 0 < self.overlap <= 1, f"--overlap must lie above 0 and be at most 1, not {self.overlap:g}"),
            (not 0 < self.agreement <= 1, f"--agreement must lie above 0 and be at most 1, not {self.agreement:g}"),
            (
                not (self.name.isascii() and self.name.isidentifier() and self.name.islower()),
                f"--name {self.name!r} must be lower-case letters, digits and _, beginning with a letter",
            ),
        )

    def plain(self, spots: bool, recognizes: bool) -> dict[str, Any]:
        """The rules that act on the tasks, as settings.

        Args:
            spots: whether intervals are combined.
            recognizes: whether classes are.
        """
        weights = self.weights if isinstance(self.weights, str) else [*self.weights]
        of_classes = {"classes": self.classes} if recognizes else {}
        of_intervals = {name: getattr(self, name) for name in ("intervals", "overlap", "agreement")} if spots else {}
        return {"weights": weights, **of_classes, **of_intervals}
