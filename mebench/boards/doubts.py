"""Records that do not fit what is known here: other annotations, other code, the answers of another record.

What is found is said on that record's own row, which has no rank and is compared with no other, so that a stranger's record changes no
word on anybody else's. Who was here first is what the registry tells: `registry.json` beside the folder of the records, written by
`mebench leaderboard merge`.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench import heavy
from mebench.atomic import whole_file
from mebench.errors import RunError
from mebench.metrics import Tables
from mebench.protocols import PROTOCOLS
from mebench.records import setting_words
from mebench.records.record import DAMAGE, Record
from mebench.runs.folder import RunFolder
from mebench.runs.scoring import tables_of

FILE = "registry.json"
FEW, ALIKE, OVERLAP = 10, 0.95, 0.7
"""Of the clips that one of two records names wrongly, `FEW` at least, the share that both name alike; and of the intervals of either the
share that both spot. Different methods on the committed boards reach .78 and .19, other seeds of one that trains .89 and .39."""


@dataclass
class Registry:
    """The registry of merged records.

    Attributes:
        records: by id, in the order in which they came, what is said of them; empty where nothing is.
        truths: by data and task the hashes of videos with intervals, of these with emotions, and the revision of the dataset.
    """

    records: dict[str, str] = field(default_factory=dict)
    truths: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Registry":
        """Read the registry of a board; empty if there is none.

        Raises:
            RunError: it is damaged.
        """
        file = folder / FILE
        try:
            return cls(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else cls()
        except (OSError, ValueError, TypeError) as error:
            raise RunError(
                f"{file} cannot be read ({error}): take it again from where the records come from"
            ) from error

    def add(self, record: Record, doubt: str) -> None:
        """Note a record that is taken in; the first of its data that nothing is said of says what its truth is."""
        self.records.setdefault(record.id, doubt)
        if not doubt:
            self.truths.setdefault(data_of(record), truth_of(record))

    def write(self, folder: Path) -> None:
        """Write the registry into the folder of records."""
        with whole_file(folder / FILE) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


class Answers(NamedTuple):
    """The answers of a record in its first draw: video, kind, onset and offset of intervals; true and predicted class of clips."""

    spotted: frozenset[tuple[Any, ...]]
    truth: NDArray[np.object_]
    named: NDArray[np.object_]


def read_answers(folder: Path) -> Answers:
    """Read the intervals and classes of a record; empty where it is damaged, which showing it will report."""
    try:
        found = tables_of(RunFolder(folder))
    except DAMAGE:
        found = Tables(heavy.pandas.DataFrame(), heavy.pandas.DataFrame())
    spots, clips = found.predictions, found.clips
    first = (
        []
        if spots is None
        else spots.loc[spots["draw"] == 0, ["video", "kind", "onset", "offset"]].itertuples(index=False)
    )
    named = np.empty((2, 0), object) if clips is None else clips[["truth", "predicted"]].to_numpy(object).T
    return Answers(frozenset(map(tuple, first)), *named)


def data_of(record: Record) -> str:
    """The settings that decide which truth a record is scored against, in words."""
    words = record.data, setting_words.of_scheme(record.config), " and ".join(record.about["tasks"])
    return "; ".join(filter(None, [f"{record.dataset} under {record.config['protocol']}", *words]))


def truth_of(record: Record) -> list[str]:
    """Hashes of its annotations, and the revision of its dataset."""
    return [*record.annotations, record.versions["dataset_revision"]]


def with_doubts(records: Iterable[Record], registry: Registry) -> list[Record]:
    """The records, by id, each with what does not fit those that were here before: those of the registry in its order, then other
    committed ones, then runs, each by id.
    """
    order, read = {run_id: place for place, run_id in enumerate(registry.records)}, cache(read_answers)
    found = list[Record]()
    for record in sorted(records, key=lambda r: (order.get(r.id, len(order)), not r.published, r.id)):
        noted = registry.records.get(record.id) if record.published else None
        found.append(replace(record, doubt=doubt_of(record, found, registry, read) if noted is None else noted))
    return sorted(found, key=lambda record: record.id)


def doubt_of(record: Record, earlier: Iterable[Record], registry: Registry, read: Callable[[Path], Answers]) -> str:
    """The doubt about a record in words: whatever disagrees with the registry or earlier records; empty if nothing does."""
    known, (*own, revision) = registry.truths.get(data_of(record)), truth_of(record)
    said, parts = list[str](), slice(2 if "recognize" in record.about["tasks"] else 1)  # spotting sees no emotions
    if known is not None and own[parts] != known[parts]:
        said.append(f"its annotations are not those known of {record.dataset}")
    elif known is not None and record.published and revision != known[-1]:
        said.append(f"it is of revision {revision} of {record.dataset}, and known is {known[-1]}")
    if record.published and record.config["protocol"] not in PROTOCOLS:
        said.append(f"protocol {record.config['protocol']} is not known here, so its folds could not be drawn again")
    for one in earlier:
        if one.id == record.id or one.annotations[0] != own[0]:
            continue
        if record.published and one.id in registry.records and _setting(one) == _setting(record):
            said.append(f"{one.id} has these settings and this seed")
            break
        if copied := _copied(record, one, read):
            said.append(f"its {' and '.join(copied)} are those of {one.id}")
            break
    return "; ".join(said)


def _setting(record: Record) -> tuple[dict[str, Any], int]:
    return setting_words.identity(record.config), record.seed


def _copied(record: Record, earlier: Record, read: Callable[[Path], Answers]) -> list[str]:
    """Findings that a record repeats an earlier one: answers of another method, of another seed, or of a leaking run."""
    methods, its = record.method.split(" + "), earlier.method.split(" + ")
    audit, its_audit = (str(one.config.get("audit", "guard")) for one in (record, earlier))
    trained = {key.partition(".")[0] for key, value in record.config.items() if key.endswith("epochs") and value}
    parts = {"intervals": (0, "method"), "emotions": (-1, "recognizer" if len(methods) > 1 else "method")}
    differ = {
        what
        for what, (place, part) in parts.items()
        if methods[place] != its[place]
        or (record.seed != earlier.seed and part in trained)
        or (audit == "guard" != its_audit)
    }
    if not differ:
        return []
    mine, other, alike = read(record.folder), read(earlier.folder), set[str]()
    both, either = len(mine.spotted & other.spotted), len(mine.spotted | other.spotted)
    if min(len(mine.spotted), len(other.spotted)) >= FEW and both >= OVERLAP * either:
        alike.add("intervals")
    if len(mine.named) == len(other.named) and len(set(mine.named)) > 1:
        wrong = (mine.named != mine.truth) | (other.named != mine.truth)
        if wrong.sum() >= FEW and (mine.named == other.named)[wrong].mean() >= ALIKE:
            alike.add("emotions")
    return sorted(differ & alike)
