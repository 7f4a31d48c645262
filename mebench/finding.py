"""What a user should know about data, settings, a run or this machine."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

Severity = Literal["fine", "repair", "warning", "error"]
"""`fine`: nothing to do; `repair`: read differently from how it is written; `warning`: kept, though it looks wrong or
limits what a score says; `error`: must be corrected."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a user should know, and the next step.

    >>> str(Finding("error", "s01/v2", "frame 7 is missing", "copy it again"))
    's01/v2: frame 7 is missing: copy it again'
    >>> str(Finding("warning", "", "this is a part of the dataset"))
    'this is a part of the dataset'

    Attributes:
        severity: weight of the finding.
        where: subject of the finding, such as `subject/video`, a row of a sheet or a package; empty for the whole.
        message: one sentence without its full stop.
        remedy: next step for the user; empty where nothing needs to be done.
        topic: name of the check that found it, by which findings are grouped.
    """

    severity: Severity
    where: str
    message: str
    remedy: str = ""
    topic: str = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.where, self.message, self.remedy)))


def sentences_of(findings: Collection[Finding], severity: Severity) -> list[str]:
    """The sentences of all findings of one severity, in their order."""
    return [str(finding) for finding in findings if finding.severity == severity]
