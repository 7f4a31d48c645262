"""A run as leaderboards read it, from its run folder or a committed record."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pyarrow.parquet import read_metadata

import mebench.features
from mebench.config.registry import PluginInfo, find_plugin
from mebench.errors import MebenchError, PluginError, RunError
from mebench.files import file_hash
from mebench.metrics import own_metrics
from mebench.metrics.catalogue import METRICS, SECTIONS
from mebench.records.changed_settings import unpublished_settings
from mebench.records.costs import COSTS
from mebench.records.record_files import minutes_of, rescore_record
from mebench.records.recorded_settings import (
    data_settings,
    dataset_in_words,
    method_settings,
    row_settings,
    without_places,
)
from mebench.records.schema import AUDIT, FOLDS, RECORD, read_record_file
from mebench.result_cache import cached_result
from mebench.runs import RunFolder
from mebench.runs.access_text import (
    SEATBELT,
    describe_isolation,
    describe_whole_access,
    read_access_with_output,
)
from mebench.runs.folder import is_refusal, refusal_of
from mebench.runs.origin import code_of_run
from mebench.runs.scoring import (
    FIRST_SCORER,
    SCORER,
    add_lacking_scores,
    current_summary,
    holds_current_scores,
    lacks_scores,
)

VIDEO_COLUMNS = ("video", "subject", "dataset", "n_frames", "fps")
TRUTH_COLUMNS = ("video", "kind", "onset", "apex", "offset", "emotion")
ANSWERS = ("predictions.parquet", "clips.parquet")
"""Tables of a run's spotted intervals and named clips."""
OF_TRUTH = ("records/record.py", "runs/*.py")
"""The code that hashes annotations."""
STORED = ("key", "config", "settings", "data", "versions", "summary", "costs")
"""Attributes that `record.json` stores unchanged."""

OF_STUDY = (
    "it is an outer run of a study, whose values no configuration names. Run the file of mebench tune "
    "--write FILE: run -c FILE"
)
"""Why a run cannot be a record."""


DAMAGE = (MebenchError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""Errors of a record with missing or wrong content."""


class UnshownError(RunError):
    """No table or page can show some records; gives the reasons by their ids."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{run_id} cannot be shown ({why})" for run_id, why in reasons.items()))
        self.reasons = reasons


UNNAMED = "unnamed-"
"""Beginning of the name of a sender who has none."""


@dataclass(frozen=True)
class Record:
    """A run as a leaderboard reads it.

    Attributes:
        id: id of the run.
        key: equal for two runs if and only if everything that shapes their predictions is equal.
        config: the resolved configuration as flat keys, without folders.
        settings: the non-default settings of method and run, in words.
        data: those of dataset and protocol, in words.
        versions: versions of Python, packages, plugins and dataset, without the machine.
        about: the run's `folds.json`.
        summary: the scores.
        costs: costs by the names of `COSTS`; `predict_per_minute` is absent if the frame rate is unknown, `feature_seconds` if all
            features were stored already.
        annotations: hash of videos and annotated intervals, and a hash that includes emotions.
        folder: the folder of its tables.
        audit: the run's account of which part saw which subjects; empty for runs without one.
        published: whether the run is a committed record.
        frames: whether its videos have frames; otherwise they only have ready-made features.
        version: version of the record, from 1; a later one supersedes the earlier.
        doubt: disagreements with the known annotations, code or records, see `intake.disagreements`; empty if there are none.
        scored_by: version of scoring that made its stored scores.
        sender: name of whoever sent it; empty for the board's own.
        isolation: access of its folds, see `mebench.runs.access_text`; empty for older runs and records.
    """

    id: str
    key: str
    config: dict[str, Any]
    settings: str
    data: str
    versions: dict[str, str]
    about: dict[str, Any] = field(repr=False)
    summary: dict[str, Any] = field(repr=False)
    costs: dict[str, float]
    annotations: tuple[str, str]
    folder: Path = field(compare=False, repr=False)
    audit: dict[str, Any] = field(default_factory=dict, repr=False)
    published: bool = False
    frames: bool = True
    version: int = 1
    doubt: str = ""
    scored_by: int = SCORER
    sender: str = ""
    isolation: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def seed(self) -> int:
        """The run's seed."""
        return int(self.config["seed"])

    @property
    def is_of_stranger(self) -> bool:
        """Whether nobody vouches for it: neither the board itself nor a sender whom its maintainer named."""
        return self.sender.startswith(UNNAMED)

    @property
    def method(self) -> str:
        """Id of the method, followed by that of its recognizer, if any."""
        return " + ".join(filter(None, [str(self.config["method"]), self.config.get("recognizer")]))

    @property
    def dataset(self) -> str:
        """Id of the dataset; the ids of a composite's members are joined by `+`."""
        return dataset_in_words(self.config["dataset"])

    @property
    def plugins(self) -> dict[str, list[str]]:
        """Ids of the plugins in use by kind, `method` and `dataset`."""
        return {"method": self.method.split(" + "), "dataset": self.dataset.split("+")}

    @property
    def convention(self) -> str:
        """Name of the scorer's rules."""
        return str(self.summary["convention"])

    @cached_property
    def answers(self) -> int:
        """Number of spotted intervals and named clips, in all draws; reads nothing else of the tables."""
        files = [self.folder / name for name in ANSWERS]
        return sum(read_metadata(file).num_rows for file in files if file.is_file())

    @property
    def selection(self) -> str:
        """What chooses epochs or settings: `inner` validation subjects, the `test` subjects, or nothing (`fixed`)."""
        stated = self.audit.get("selection") or self.about.get("selection")
        if stated:
            return str(stated)
        return "inner" if self.about["selects"] else "fixed"

    @property
    def access(self) -> str:
        """What its folds could see, in a paragraph; empty for older runs and records, which do not say it."""
        return describe_whole_access(self.isolation) if self.isolation else ""

    @property
    def isolated(self) -> str:
        """How its folds were isolated, in words; empty for older runs and records."""
        return describe_isolation(self.isolation) if self.isolation else ""

    @property
    def not_isolated(self) -> str:
        """From what its folds are known not to have been isolated; empty if from nothing, or if it is not known."""
        return ", ".join(self.isolation.get("lacks", ()))

    @property
    def training_code(self) -> list[str]:
        """The callbacks and loggers outside Lightning with which it was trained; they are imported where labels are known."""
        return code_of_run({key: value for key, value in self.config.items() if key.startswith("trainer.")})

    @property
    def landmark_files(self) -> list[str]:
        """Name and short hash of the files that its sender named for finding landmarks; they decide how faces are cut."""
        return list(self.about.get("landmark_files", ()))

    @property
    def transductive(self) -> str:
        """`video` if a test video's own unlabelled statistics enter its predictions, else `none`."""
        return str(self.audit.get("transductive") or self.about["transductive"])

    @cached_property
    def pretrained(self) -> str:
        """The data on which what it loads was trained, `none`, or `unknown`; empty if it loads nothing."""
        stated = self.about.get("pretrained", "")
        return stated if isinstance(stated, str) else ", ".join(stated)

    @property
    def pretrained_on_unknown(self) -> str:
        """Whether nobody says on what its loaded content was trained; empty if it is known."""
        return "unknown" if self.pretrained == "unknown" else ""

    @cached_property
    def pretrained_on_tested(self) -> str:
        """The tested databases, in words, that its loaded content was trained on; empty if there are none."""
        stated = self.about.get("pretrained", "")
        tested = {subject.partition("/")[0] for fold in self.about["folds"] for subject in fold["test"]}
        tested |= set(self.plugins["dataset"])
        names = [] if isinstance(stated, str) else stated
        return ", ".join(name for name in names if any(_is_same_data(name, database) for database in tested))

    @property
    def loaded(self) -> str:
        """Name and hash of each file that it loads and did not train; empty if there are none."""
        words = []
        for entry in self.about.get("loaded", ()):
            text = f"{entry['name']} {entry['sha256'][:8]}".strip()
            words.append(text if entry["counted"] else f"{text} (its parameters are not known)")
        return ", ".join(words)

    @property
    def counts_all_parameters(self) -> bool:
        """Whether the number of parameters includes all that it loads."""
        return all(entry["counted"] for entry in self.about.get("loaded", ()))

    @cached_property
    def identity(self) -> str:
        """Equal for runs that differ only in the seed or the processor."""
        return json.dumps(
            [
                row_settings(self.config),
                {name: text for name, text in self.versions.items() if name != "processor"},
                {name: self.about[name] for name in ("tasks", "kinds", "classes", "selects", "transductive")},
                *([self.loaded, self.pretrained] if "pretrained" in self.about else []),
                *([self.not_isolated] if self.not_isolated else []),
                *([SEATBELT] if self.isolation.get("by") == SEATBELT else []),
                [fold["test"] for fold in self.about["folds"]],
                self.annotations,
                self.convention,
            ],
            sort_keys=True,
        )

    @property
    def outdated_steps(self) -> str:
        """The steps of its features in an earlier version that gave other numbers; may be empty.

        Versions are recorded since those of crops and flow were raised; a record without them that crops faces is
        older.
        """
        noted = self.versions.get("steps")
        if noted is not None:
            version_of_step = dict(text.split() for text in noted.split(", ") if text)
            return "; ".join(_changed_steps(version_of_step))
        cropping = {"method.align", "method.flow", "recognizer.align", "recognizer.flow"} & self.config.keys()
        if not cropping or not self.frames:
            return ""
        flows = {str(self.config[key]) for key in cropping if key.endswith(".flow")}
        replaced = [f"flow={name}, which was OpenCV's" for name in sorted(flows & {"tvl1", "tvl1_eps05"})]
        return "; ".join(["FaceCrop", *replaced])

    @cached_property
    def other_input(self) -> str:
        """The input of its methods where it differs from their papers' input; else empty. The installed plugins state
        it.
        """
        return "; ".join(filter(None, (info.other_input(self.config, part) for info, part in self._installed_methods)))

    @cached_property
    def unpublished(self) -> str:
        """The settings that are not those of its methods' papers or their programs; else empty. The installed plugins say."""
        return unpublished_settings(self.config)

    @cached_property
    def openness(self) -> str:
        """The code and weights that authors publish, and the epoch that their programs keep. The installed plugins of
        the record's methods state them.
        """
        return "; ".join(
            f"{name} {word}"
            for info, _ in self._installed_methods
            for name, word in info.read_section("openness").items()
        )

    @cached_property
    def _installed_methods(self) -> list[tuple[PluginInfo, str]]:
        """The installed plugins of its methods, each with the setting that names it. Missing and broken ones are left
        out.
        """
        found = []
        for id_, part in zip(self.plugins["method"], ("method", "recognizer")):
            with suppress(PluginError):
                found.append((find_plugin("method", id_), part))
        return found

    @cached_property
    def content(self) -> str:
        """Hash of its content and its files, except for models."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "folder"}
        return hashlib.sha256(json.dumps([values, hash_files(self.folder)], sort_keys=True).encode()).hexdigest()

    def with_values(self, **values: Any) -> Self:
        """The record with these values; itself if it has them.

        So what takes long, its hash and the words of its settings, is made once.
        """
        if all(getattr(self, name) == value for name, value in values.items()):
            return self
        return replace(self, **values)

    def find_missing_facts(self) -> list[str]:
        """The missing facts about the origin of its numbers. A record that lacks one enters no table."""
        versions = ("mebench", "python", "method_plugin", "dataset_plugin", "dataset_revision")
        settings = ("method", "dataset", "protocol", "seed")
        facts = ("selects", "transductive", "folds", "remark")
        lacking = [f"version of {name}" for name in versions if not self.versions.get(name)]
        lacking += [f"setting {name}" for name in settings if name not in self.config]
        lacking += [name for name in facts if name not in self.about]
        if not any(task in self.summary for task in SECTIONS):
            lacking.append("a score")
        return lacking


def _is_same_data(name: str, database: str) -> bool:
    """Whether two names are of one database, or of parts of one: `samm` and `samm_lv` have the same people.

    >>> _is_same_data("SAMM", "samm_lv"), _is_same_data("casme2_lbp_top", "casme2"), _is_same_data("casme", "casme2")
    (True, True, False)
    """
    first = name.casefold()
    second = database.casefold().rpartition(":")[2]
    return first == second or first.startswith(f"{second}_") or second.startswith(f"{first}_")


def _changed_steps(then: Mapping[str, str]) -> list[str]:
    """The steps of a run that have another version now, with both; a removed step counts as unchanged."""
    changed = []
    for name, version in then.items():
        now = str(getattr(getattr(mebench.features, name, None), "version", ""))
        if now not in ("", version):
            changed.append(f"{name} {version}, now {now}")
    return changed


def hash_files(folder: Path) -> list[tuple[str, str]]:
    """Name and hash of each file of a run or record, except for models.

    Raises:
        RunError: the system refuses to read one.
    """
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and file.suffix != ".safetensors")
    try:
        return [(file.relative_to(folder).as_posix(), file_hash(file)) for file in files]
    except OSError as refusal:
        if not is_refusal(refusal):  # it went meanwhile
            raise
        raise refusal_of(Path(refusal.filename or folder), refusal) from refusal


def is_record(folder: RunFolder) -> bool:
    """Whether the folder is that of a record rather than a run."""
    return (folder.path / RECORD).is_file()


def read_record(folder: RunFolder) -> Record:
    """A finished run or a committed record.

    Raises:
        RunError: a file of it is missing or damaged.
    """
    return read_committed_record(folder) if is_record(folder) else record_from_run(folder)


def record_from_run(folder: RunFolder) -> Record:
    """A finished run as a record.

    Raises:
        RunError: a file of it is missing or damaged.
    """
    stored = folder.read_json("config.json")
    summary = current_summary(folder)
    folds = folder.read_costs()
    videos = folder.read_table("videos.parquet")
    minutes = minutes_of(videos)
    costs = {name: cost.recorded_value(folds, minutes) for name, cost in COSTS.items()}
    return Record(
        id=folder.id,
        key=stored["key"],
        config=without_places(stored["config"]),
        settings=method_settings(stored["config"], stored["origins"]),
        data=data_settings(stored["config"], stored["origins"]),
        versions={name: text for name, text in folder.read_json("versions.json").items() if name != "platform"},
        about=folder.read_json(FOLDS),
        summary={name: part for name, part in summary.items() if name not in {"run_id", "seconds"}},
        costs={name: value for name, value in costs.items() if value is not None},
        folder=folder.path,
        audit=folder.read_json(AUDIT) if (folder.path / AUDIT).is_file() else {},
        isolation=read_access_with_output(folder) or {},
        **annotation_facts(folder, folder.read_json(FOLDS)),
    )


def read_committed_record(folder: RunFolder) -> Record:
    """A committed record without checks; `intake.integrity.check_record` finds tampering.

    Raises:
        RunError: a file of it is missing or damaged, or another mebench wrote it in another form.
    """
    stored = read_record_file(folder, RECORD)
    about = read_record_file(folder, FOLDS)
    return Record(
        id=stored["run_id"],
        about=about,
        folder=folder.path,
        audit=read_record_file(folder, AUDIT) if AUDIT in stored["files"] else {},
        published=True,
        version=stored["version"],
        **annotation_facts(folder, about),
        **{name: stored[name] for name in STORED if name != "summary"},
        summary=_current_scores(folder, stored["summary"]),
        scored_by=stored["summary"].get("scorer", FIRST_SCORER),
        isolation=stored.get("isolation", {}),
    )


def _current_scores(folder: RunFolder, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The stored summary of a record with this version's scores. Scores that this version does not know are left out."""
    known = _without_unknown_scores(own_metrics.without_own(stored))
    if not holds_current_scores(stored):
        return rescore_record(folder)
    if lacks_scores(known):
        return add_lacking_scores(known, rescore_record(folder))
    return known


def _without_unknown_scores(summary: Mapping[str, Any]) -> dict[str, Any]:
    """A summary without scores that this version cannot compute, so that nothing unchecked is shown."""
    known = dict(summary)
    for name, value in summary.items():
        if name == "scores":
            known[name] = {score: ends for score, ends in value.items() if score in METRICS}
        elif name != "details" and isinstance(value, Mapping):
            known[name] = _without_unknown_scores(value)
    return known


def annotation_facts(folder: RunFolder, about: Mapping[str, Any]) -> dict[str, Any]:
    """`annotations` and `frames` of a `Record`.

    Args:
        folder: folder of a run or record.
        about: its `folds.json`.

    Raises:
        RunError: a table is missing or damaged.
    """
    persons = json.dumps(about.get("persons") or "", sort_keys=True).strip('"')  # empty if no person has two ids

    def read() -> list[Any]:
        videos = folder.read_table("videos.parquet")
        truths = folder.read_table("truth.parquet")[list(TRUTH_COLUMNS)]
        seen = persons + videos[list(VIDEO_COLUMNS)].to_csv(index=False, lineterminator="\n")
        texts = [
            seen + table.to_csv(index=False, lineterminator="\n") for table in (truths.drop(columns="emotion"), truths)
        ]
        hashes = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]
        has_frames = bool(videos["n_frames"].fillna(0).max() > 1)  # maps have one entry for each clip
        return [hashes, has_frames]

    files = [folder.path / name for name in ("videos.parquet", "truth.parquet")]
    hashes, frames = cached_result(read, OF_TRUTH, persons, [file_hash(file) for file in files if file.is_file()])
    return {"annotations": tuple(hashes), "frames": frames}
