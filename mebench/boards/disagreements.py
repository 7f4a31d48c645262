"""Find records that disagree with what is known here: other annotations, other code, the answers of another record.

A finding appears on that record's own row, which has no rank and no comparisons, so a new record cannot change another
row. The registry of the board gives the order of arrival and the known annotations.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.boards.record_registry import Registry
from mebench.lazy_imports import load_lazily
from mebench.metrics import Tables
from mebench.protocols import PROTOCOLS
from mebench.records import DAMAGE, FOLDS, Record, annotation_facts, recorded_settings
from mebench.runner.describe import describe, truth_tables
from mebench.runner.plan import Plan
from mebench.runs import RunFolder, read_tables

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = load_lazily("pandas")

FEW, ALIKE, OVERLAP = 10, 0.95, 0.7
"""Among the clips that one of two records names wrongly (at least `FEW`), the share with equal answers; and among the
intervals of both, the share that both spot. Different methods on the committed boards reach .78 and .19, other seeds of
a trained method .89 and .39.
"""


class Answers(NamedTuple):
    """The answers of a record in its first draw: video, kind, onset and offset of intervals; true and predicted class
    of clips.
    """

    spotted: frozenset[tuple[Any, ...]]
    truth: NDArray[np.object_]
    named: NDArray[np.object_]


def read_answers(folder: Path) -> Answers:
    """Read the intervals and classes of a record; empty if it is damaged, which is reported when it is shown."""
    try:
        tables = read_tables(RunFolder(folder))
    except DAMAGE:
        tables = Tables(pd.DataFrame(), pd.DataFrame())
    spots, clips = tables.predictions, tables.clips
    first = (
        []
        if spots is None
        else spots.loc[spots["draw"] == 0, ["video", "kind", "onset", "offset"]].itertuples(index=False)
    )
    named = np.empty((2, 0), object) if clips is None else clips[["truth", "predicted"]].to_numpy(object).T
    return Answers(frozenset(map(tuple, first)), *named)


def data_of(config: Mapping[str, Any], settings: str, tasks: Iterable[str]) -> str:
    """The settings that determine the truth of a run, in words.

    Args:
        config: flat keys.
        settings: non-default settings of dataset and protocol, in words.
        tasks: of the run.
    """
    place = f"{recorded_settings.joined(config['dataset'])} under {config['protocol']}"
    words = place, settings, recorded_settings.of_scheme(config), " and ".join(sorted(tasks))
    return "; ".join(filter(None, words))


def truth_of(record: Record) -> tuple[str, list[str]]:
    """The words of its data, the hashes of its annotations, and the revision of its dataset."""
    words = data_of(record.config, record.data, record.about["tasks"])
    return words, [*record.annotations, record.versions["dataset_revision"]]


def truth_of_plan(plan: Plan) -> tuple[str, list[str]]:
    """The result of `truth_of` for records of a plan's runs, from the copy of the dataset here."""
    values = plan.config.values
    with TemporaryDirectory() as room:
        folder = RunFolder(Path(room))
        describe(folder, plan, truth_tables(plan), "")
        hashes = annotation_facts(folder, folder.read_json(FOLDS))["annotations"]
    settings = recorded_settings.of_data(values, plan.config.origins)
    words = data_of(recorded_settings.without_places(values), settings, plan.task.tasks)
    return words, [*hashes, plan.dataset.revision]


def with_doubts(records: Iterable[Record], registry: Registry) -> list[Record]:
    """The records, by id, each with its disagreements with earlier ones: first those of the registry in its order, then
    other committed ones, then runs, each by id.
    """
    order, read = {run_id: place for place, run_id in enumerate(registry.records)}, cache(read_answers)
    doubted = list[Record]()
    for record in sorted(records, key=lambda r: (order.get(r.id, len(order)), not r.published, r.id)):
        noted = registry.records.get(record.id) if record.published else None
        doubt = doubt_of(record, doubted, registry, read) if noted is None else noted
        unknown = record.published and noted is None and (data := truth_of(record)[0]) not in registry.truths
        alone = f"the annotations of {data} are unknown here" if unknown else ""
        doubted.append(replace(record, doubt="; ".join(filter(None, [truth_doubt(record, registry), alone, doubt]))))
    return sorted(doubted, key=lambda record: record.id)


def truth_doubt(record: Record, registry: Registry) -> str:
    """The difference between the truth of a record and the registered one, in words; empty if there is none, or none is
    registered.
    """
    data, (*hashes, revision) = truth_of(record)
    known = registry.truths.get(data)
    parts = slice(2 if "recognize" in record.about["tasks"] else 1)  # spotting does not depend on emotions
    if known is not None and hashes[parts] != known[parts]:
        return f"its annotations differ from those known of {record.dataset}"
    if known is not None and record.published and revision != known[-1]:
        return f"its revision {revision} of {record.dataset} differs from the known {known[-1]}"
    return ""


def doubt_of(record: Record, earlier: Iterable[Record], registry: Registry, read: Callable[[Path], Answers]) -> str:
    """The doubts about a record, except for its truth, in words: disagreements with earlier records; may be empty."""
    doubts = list[str]()
    if record.published and record.config["protocol"] not in PROTOCOLS:
        doubts.append(f"protocol {record.config['protocol']} is not known here, so its folds could not be drawn again")
    for former in earlier:
        if former.id == record.id or former.annotations[0] != record.annotations[0]:
            continue
        if (
            record.published
            and former.id in registry.records
            and former.seed == record.seed
            and recorded_settings.identity(former.config) == recorded_settings.identity(record.config)
        ):
            doubts.append(f"{former.id} has these settings and this seed")
            break
        if copied := _copied(record, former, read):
            doubts.append(f"its {' and '.join(copied)} are those of {former.id}")
            break
    return "; ".join(doubts)


def _copied(record: Record, earlier: Record, read: Callable[[Path], Answers]) -> list[str]:
    """Findings that a record repeats answers of an earlier one: of another method, of another seed, or of a leaking
    run.
    """
    methods, its = record.method.split(" + "), earlier.method.split(" + ")
    audit, its_audit = (str(r.config.get("audit", "guard")) for r in (record, earlier))
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
    answers, others, repeated = read(record.folder), read(earlier.folder), set[str]()
    both, either = len(answers.spotted & others.spotted), len(answers.spotted | others.spotted)
    if min(len(answers.spotted), len(others.spotted)) >= FEW and both >= OVERLAP * either:
        repeated.add("intervals")
    if len(answers.named) == len(others.named) and len(set(answers.named)) > 1:
        wrong = (answers.named != answers.truth) | (others.named != answers.truth)
        if wrong.sum() >= FEW and (answers.named == others.named)[wrong].mean() >= ALIKE:
            repeated.add("emotions")
    return sorted(differ & repeated)
