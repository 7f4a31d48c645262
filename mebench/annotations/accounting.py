"""What a dataset holds, and what of it can be used: expressions, files, and labels that no emotion scheme knows.

`data summary`, `data verify`, `predict` and `run` tell it from here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mebench.account import Account
from mebench.errors import DataError, nearest_name
from mebench.finding import Finding
from mebench.output.terminal import format_count

if TYPE_CHECKING:
    from mebench.core import Dataset, Scheme, Video


def accounts_of(dataset: Dataset) -> list[Account]:
    """The accounts of a dataset, or of each member of a composite: its expressions, and the files of a plain folder."""
    return [account for id_, member in _members_of(dataset).items() for account in _accounts_of_member(id_, member)]


def _accounts_of_member(id_: str, dataset: Dataset) -> Iterator[Account]:
    """The accounts of one dataset."""
    of_files = getattr(dataset, "account", None)
    if isinstance(of_files, Account):
        yield of_files
    lost = dataset.unplaced()
    n_placed = sum(len(video.expressions) for video in dataset.videos())
    if n_placed + len(lost) == 0:
        return
    account = Account(id_)
    account.hold("expression", n_placed + len(lost))
    for reason, n in Counter(row.reason for row in lost).items():
        first = next(row for row in lost if row.reason == reason)
        account.leave_out(
            "expression", n, reason, f"row {first.row}" if n == 1 else f"row {first.row} and {n - 1} more"
        )
    yield account


CATCH_ALL = frozenset({"other", "others", "unclear", "unknown", "undefined"})
"""Labels that mean no class, so that no scheme maps them on purpose."""


def unknown_labels(dataset: Dataset) -> list[Finding]:
    """A warning for each label in no emotion scheme, with the likely one."""
    return [finding for member in _members_of(dataset).values() for finding in _unknown_labels_of_member(member)]


def _unknown_labels_of_member(dataset: Dataset) -> Iterator[Finding]:
    """The warnings about one dataset."""
    expressions = [e for video in dataset.as_annotated() for e in video.expressions]
    emotions = [e.emotion for e in expressions] + [row.emotion for row in dataset.unplaced()]
    labels = Counter(emotion.lower() for emotion in emotions if emotion is not None)
    by_emotion = [scheme for scheme in dataset.schemes.values() if scheme.by == "emotion"]
    known = sorted({label for scheme in by_emotion for label in scheme.mapping})
    for label, n in unmapped_labels(labels, by_emotion).items():
        if label in CATCH_ALL:
            continue
        near = nearest_name(label, known)
        hint = "" if near is None else f"; did you mean {near!r}?"
        text = f"the label {label!r} ({format_count(n, 'expression')}) is in no emotion scheme, so it is never recognized{hint}"
        yield Finding("warning", "", text, topic="unknown_label")


def notes_on_frames(dataset: Dataset, videos: Iterable[Video]) -> Iterator[Finding]:
    """Warnings about frames that are there: missing numbers, pictures in two formats, time stamps that begin again.

    A plain folder tells them among its repairs. Frames that cannot be read are an error elsewhere.
    """
    if isinstance(getattr(dataset, "account", None), Account):
        return
    for video in videos:
        try:
            notes: Sequence[str] = getattr(dataset.frames(video), "notes", ())
        except DataError:
            continue
        for note in notes:
            yield Finding("warning", f"{video.subject}/{video.id}", note)


def unmapped_labels(labels: Mapping[str, int], schemes: Iterable[Scheme]) -> dict[str, int]:
    """Labels that no scheme by emotion scores, and their numbers; none without such a scheme."""
    by_emotion = [scheme for scheme in schemes if scheme.by == "emotion"]
    return {label: n for label, n in labels.items() if all(scheme.index(label) is None for scheme in by_emotion)}


def _members_of(dataset: Dataset) -> Mapping[str, Dataset]:
    """The members of a composite by id, or the dataset alone."""
    members: Mapping[str, Dataset] = getattr(dataset, "members", {})
    return members or {str(getattr(dataset, "id", "dataset")): dataset}
