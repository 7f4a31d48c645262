"""Answers of finished runs to the challenge's questions, in its wording."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from mebench.annotations.schemes import unit_number
from mebench.errors import RunError
from mebench.records.costs import COSTS
from mebench.runs.fold_files import read_csv
from mebench.runs.folder import RunFolder
from mebench.vqa.questions import QuestionCells, clip_of, person_name
from mebench.vqa.wording import COARSE, FINE, Meaning, answer_sentence, join_unit_names, meaning_of


@dataclass
class KnownAnswers:
    """The answers of all runs about one clip or video.

    Attributes:
        coarse: class of a recognizer; empty without one.
        fine: fine class of a recognizer; empty without one.
        shown: action units that runs of `scheme=AU<number>` or `scheme=AUs` found; in a long video, in all its spotted
            intervals.
        looked_for: the units that such runs can find.
        events: kinds of the spotted intervals in the order of their onsets; None without a spotter.
    """

    coarse: str = ""
    fine: str = ""
    shown: set[int] = field(default_factory=set)
    looked_for: set[int] = field(default_factory=set)
    events: list[str] | None = None


def seconds_of_runs(runs: Sequence[RunFolder]) -> float:
    """The seconds that runs took to predict the tested people, from whose predictions they answer."""
    files = [run.path / "costs.csv" for run in runs]
    seconds = [COSTS["predict_seconds"].over_folds(read_csv(file)) for file in files if file.is_file()]
    return round(sum(filter(None, seconds)), 3)


def answer_questions(
    runs: Sequence[RunFolder], rows: Sequence[QuestionCells]
) -> tuple[list[QuestionCells], Counter[str]]:
    """Answers of some runs together to questions.

    Classes come from a recognizer, units from runs with `scheme=AU<number>` or `scheme=AUs`, events from a spotter.
    A question that no run can answer gets an empty answer: always the side of a unit, a unit that no run can find, an
    event beyond the spotted ones.

    Args:
        runs: finished runs.
        rows: questions about videos that the runs tested.

    Returns:
        The rows with answers, and the number of unanswered questions by kind.

    Raises:
        RunError: the runs tested none of the videos, or answer none of the questions.
    """
    clips: dict[str, KnownAnswers] = {}
    videos: dict[str, KnownAnswers] = {}
    for run in runs:
        _add_answers_of_run(run, clips, videos)
    keys_by_name = _keys_by_name(clips | videos)
    answered: list[QuestionCells] = []
    unanswered: Counter[str] = Counter()
    for row in rows:
        meaning = meaning_of(row["question"])
        key = _key_of_question(row, keys_by_name)
        order = (clips, videos) if row.get("image_id") else (videos, clips)
        answers = [_answer_to(meaning, side[key]) for side in order if key in side]
        text = next(filter(None, answers), "")
        answered.append({**row, "answer": text})
        if not text:
            unanswered[meaning.kind or "of no known kind"] += 1
    if unanswered.total() == len(rows):
        names = ", ".join(run.id for run in runs)
        raise RunError(
            f"{names}: no question is about a video of these runs, or of a kind that they answer; the first is {rows[0]}"
        )
    return answered, unanswered


def _keys_by_name(keys: Iterable[str]) -> Mapping[str, list[str]]:
    """Keys of clips and videos by the names that questions use: `dataset/subject_id`, `dataset/id` and the id alone."""
    keys_by_name = defaultdict[str, list[str]](list)
    for key in keys:
        whole, _, onset = key.partition("@")
        dataset, subject, name = whole.split("/", 2)
        for spelt in {f"{person_name(dataset, subject)}_{name}", f"{subject}_{name}", name}:
            ending = f"{spelt}_{onset}" if onset else spelt
            keys_by_name[f"{dataset}/{ending}"].append(key)
            keys_by_name[ending].append(key)
    return keys_by_name


def _key_of_question(row: QuestionCells, keys_by_name: Mapping[str, list[str]]) -> str:
    """The clip or video of a question, by a unique name; empty if unknown."""
    clip = clip_of(row)
    for name in (clip, clip.partition("/")[2]):
        keys = keys_by_name.get(name, ())
        if len(keys) == 1:
            return keys[0]
    return ""


def _add_answers_of_run(run: RunFolder, clips: dict[str, KnownAnswers], videos: dict[str, KnownAnswers]) -> None:
    """Add a run's answers: for its clips, under `video` and `video@onset`, and for its videos."""
    about = run.read_json("folds.json")
    classes = set(about["classes"]) if "recognize" in about["tasks"] else set()
    units = _units_in(classes)
    if "spot" in about["tasks"]:
        spotted = run.read_table("predictions.parquet")
        for video in run.read_table("videos.parquet")["video"]:
            own = spotted[(spotted["video"] == video) & (spotted["draw"] == 0)].sort_values(["onset", "offset"])
            known = videos.setdefault(video, KnownAnswers())
            known.events = list(own["kind"])
            _add_shown_units(known, units, own["emotion"])
    if not classes:
        return
    several: Any = run.read_table("clips.parquet").drop_duplicates(["video", "onset", "offset"])
    for clip in several.itertuples():
        for name in (clip.video, f"{clip.video}@{clip.onset}"):
            _add_predicted_class(clips.setdefault(name, KnownAnswers()), clip.predicted, classes, units)


def _add_predicted_class(known: KnownAnswers, predicted: str, classes: Set[str], units: set[int]) -> None:
    """Add the predicted class of a clip: as action units, or as coarse or fine class.

    A fine class brings its coarse one, unless a run of coarse classes has given one. Other classes say nothing here.

    Args:
        known: answers of the clip.
        predicted: class that the run gave.
        classes: all classes of the run.
        units: action units that the run looked for; empty for a run of emotions.
    """
    if units:
        _add_shown_units(known, units, [predicted])
    elif classes <= set(COARSE):
        known.coarse = predicted
    elif predicted in FINE:
        known.fine = predicted
        known.coarse = known.coarse or FINE[predicted]


def _add_shown_units(known: KnownAnswers, units: set[int], labels: Iterable[object]) -> None:
    """Add the units in answers: an answer of `scheme=AUs` may name several, one of `scheme=AU12` may name none."""
    known.looked_for |= units
    for label in labels:
        known.shown |= _units_in(str(label).split("+"))


def _units_in(names: Iterable[str]) -> set[int]:
    """The numbers of the action units among some names."""
    numbers = [unit_number(name) for name in names]
    return {number for number in numbers if number}


def _answer_to(meaning: Meaning, known: KnownAnswers) -> str:
    """The answer to a question; empty if unknown."""
    units = sorted(known.shown)
    events = known.events
    answers = {"coarse": known.coarse, "fine": known.fine, "units": join_unit_names(units)}
    if meaning.unit in known.looked_for:
        answers["shown"] = "yes" if meaning.unit in known.shown else "no"
    if known.fine:
        answers["sentence"] = answer_sentence(units, known.fine, known.coarse)
    if events is not None:
        answers |= {"events": str(len(events)), **{kind: str(events.count(kind)) for kind in ("micro", "macro")}}
    if events and 0 < meaning.event <= len(events):
        answers["type"] = f"{events[meaning.event - 1]}-expression"
    return answers.get(meaning.kind, "")
