"""A value printed by others, and the words that its row may use."""

from dataclasses import dataclass, fields

from mebench.metrics.catalogue import JOINT

CAVEATS: dict[str, str] = {
    "test_selected": "something, such as the epoch, was chosen on the test subjects",
    "different_protocol": "other clips, videos, classes or folds than the rows around it: not comparable with them",
    "reproduction": "run again by somebody, or by the authors in another program, with another outcome than the paper's",
    "impossible": "contradicts the values printed beside it",
    "misassigned": "belongs to another dataset, metric, kind or part than printed, or contradicts another table",
    "unranked": "an average precision over intervals without confidence",
}
KINDS: dict[str, tuple[str, ...]] = {
    "spotting": ("micro", "macro", "overall"),
    "analysis": ("micro",),
    "recognition": ("micro",),
}
"""Tasks, each with its kinds of expressions."""
PARTS = ("true_positives", "all_intervals")
"""What an analysis is scored over; what spans spotting and recognition, as `strs`, has no part."""
COUNTS = frozenset({"n", "tp", "fp", "fn"})


@dataclass(frozen=True)
class Published:
    """One printed value. An empty text means that the source does not say, or that the column does not apply.

    Attributes:
        method: its name in the literature.
        method_variant: which of several settings or runs.
        year: of the method.
        dataset: id of the dataset; of a composite, the composite's.
        member: id of the member dataset that the value is restricted to.
        task: `spotting`, `analysis` or `recognition`.
        kind: `micro`, `macro` or `overall`.
        part: `true_positives` or `all_intervals` in an analysis.
        protocol: name of the protocol; `none` for a method that learns nothing.
        classes: number of emotion classes.
        metric: one of `METRICS` that is no curve, or of `COUNTS`.
        value: a share from 0 to 1, or a count.
        digits: printed after the decimal point; the value is known to half a unit in the last one.
        source: citation key, then DOI, arXiv number or address.
        table: where in the source.
        caveats: some of `CAVEATS`.
        note: anything else that a reader must know.
        line: of the file, the header being line 1.
    """

    method: str
    method_variant: str
    year: int | None
    dataset: str
    member: str
    task: str
    kind: str
    part: str
    protocol: str
    classes: int | None
    metric: str
    value: float
    digits: int
    source: str
    table: str
    caveats: tuple[str, ...]
    note: str
    line: int

    @property
    def path(self) -> tuple[str, ...]:
        """The keys of the same value in the summary of a run, whose sections hold the scores beside the counts."""
        if self.metric in JOINT:
            return self.task, self.metric
        section = {"spotting": self.kind, "analysis": self.part, "recognition": ""}[self.task]
        members = ("members", self.member) if self.member else ()
        scores = () if self.metric in COUNTS else ("scores",)
        return (self.task, *filter(None, [section]), *members, *scores, self.metric)

    @property
    def key(self) -> tuple[object, ...]:
        """What no two rows share: all but the value and what is said about it."""
        besides = {"year", "value", "digits", "caveats", "note", "line"}
        return tuple(getattr(self, column.name) for column in fields(self) if column.name not in besides)
