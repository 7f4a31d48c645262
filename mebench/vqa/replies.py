"""Answers of finished runs to the challenge's questions, in its wording."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mebench.annotations.schemes import unit_number
from mebench.errors import RunError
from mebench.runs.folder import RunFolder
from mebench.vqa import questions, wording


@dataclass
class KnownAnswers:
    """The answers of all runs about one clip or video.

    Attributes:
        coarse: class of a recognizer; empty without one.
        fine: likewise.
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


def answer_questions(
    runs: Sequence[RunFolder], rows: Sequence[questions.Row]
) -> tuple[list[questions.Row], Counter[str]]:
    """Answers of some runs together: a recognizer's classes, units of runs with `scheme=AU<number>` or `scheme=AUs`, a
    spotter's intervals.

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
    clips, videos = dict[str, KnownAnswers](), dict[str, KnownAnswers]()
    for run in runs:
        _take(run, clips, videos)
    # Clips and videos by the names that questions use: `dataset/subject_id`, `dataset/id` and the id alone, if unique.
    keys_of = defaultdict[str, list[str]](list)
    for key in clips | videos:
        whole, _, onset = key.partition("@")
        dataset, subject, name = whole.split("/", 2)
        for spelt in {f"{questions.person_name(dataset, subject)}_{name}", f"{subject}_{name}", name}:
            ending = f"{spelt}_{onset}" if onset else spelt
            for word in (f"{dataset}/{ending}", ending):
                keys_of[word].append(key)
    answered, unanswered = list[questions.Row](), Counter[str]()
    for row in rows:
        meaning, clip = wording.meaning_of(row["question"]), questions.clip_of(row)
        key = next((keys_of[word][0] for word in (clip, clip.partition("/")[2]) if len(keys_of[word]) == 1), "")
        order = (clips, videos) if row.get("image_id") else (videos, clips)
        text = next(filter(None, (_answer_to(meaning, side[key]) for side in order if key in side)), "")
        answered.append({**row, "answer": text})
        if not text:
            unanswered[meaning.kind or "of no known kind"] += 1
    if unanswered.total() == len(rows):
        names = ", ".join(run.id for run in runs)
        raise RunError(
            f"{names}: no question is about a video of these runs, or of a kind that they answer; the first is {rows[0]}"
        )
    return answered, unanswered


def _take(run: RunFolder, clips: dict[str, KnownAnswers], videos: dict[str, KnownAnswers]) -> None:
    """Add a run's answers: for its clips, under `video` and `video@onset`, and for its videos."""
    about = run.read_json("folds.json")
    classes = set(about["classes"]) if "recognize" in about["tasks"] else set()
    units = {n for name in classes if (n := unit_number(name))}
    if "spot" in about["tasks"]:
        spotted = run.read_table("predictions.parquet")
        for video in run.read_table("videos.parquet")["video"]:
            own = spotted[(spotted["video"] == video) & (spotted["draw"] == 0)].sort_values(["onset", "offset"])
            known = videos.setdefault(video, KnownAnswers())
            known.events = list(own["kind"])
            _show(known, units, own["emotion"])
    if not classes:
        return
    several: Any = run.read_table("clips.parquet").drop_duplicates(["video", "onset", "offset"])
    for clip in several.itertuples():
        for name in (clip.video, f"{clip.video}@{clip.onset}"):
            known = clips.setdefault(name, KnownAnswers())
            if units:
                _show(known, units, [clip.predicted])
            elif classes <= set(wording.COARSE):
                known.coarse = clip.predicted
            elif clip.predicted in wording.FINE:
                known.fine, known.coarse = clip.predicted, known.coarse or wording.FINE[clip.predicted]


def _show(known: KnownAnswers, units: set[int], labels: Iterable[object]) -> None:
    """Add the units in answers: an answer of `scheme=AUs` may name several, one of `scheme=AU12` may name none."""
    known.looked_for |= units
    known.shown |= {n for label in labels for name in str(label).split("+") if (n := unit_number(name))}


def _answer_to(meaning: wording.Meaning, known: KnownAnswers) -> str:
    """The answer to a question; empty if unknown."""
    units, events = sorted(known.shown), known.events
    answers = {"coarse": known.coarse, "fine": known.fine, "units": wording.join_unit_names(units)}
    if meaning.unit in known.looked_for:
        answers["shown"] = "yes" if meaning.unit in known.shown else "no"
    if known.fine:
        answers["sentence"] = wording.answer_sentence(units, known.fine, known.coarse)
    if events is not None:
        answers |= {"events": str(len(events)), **{kind: str(events.count(kind)) for kind in ("micro", "macro")}}
    if events and 0 < meaning.event <= len(events):
        answers["type"] = f"{events[meaning.event - 1]}-expression"
    return answers.get(meaning.kind, "")
