"""Intervals spotted in a user's videos: as tables, for ELAN, as a page with timelines, and drawn into the videos."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import repeat
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import ImageColor

from mebench.atomic import new_folder
from mebench.config import registry, resolve_dataset
from mebench.core import Frames, Kind, Video
from mebench.core.types import number_at
from mebench.errors import ConfigError, list_first, refused_by_system
from mebench.exchange.eaf import Mark, Tier, write_eaf
from mebench.exchange.tier_names import EMOTION
from mebench.exchange.write import write_rows
from mebench.features import FaceCrop, FaceParams
from mebench.features.boxes import Box
from mebench.features.face_tracks import FaceTracks, find_face_tracks
from mebench.features.faces import map_points
from mebench.features.gray_frames import to_gray
from mebench.files import write_text
from mebench.frames import FolderFrames, VideoFrames
from mebench.frames.breaks import Break, read_breaks
from mebench.frames.videofile import write_video
from mebench.grouping import group_by
from mebench.inference.alarm_rates import (
    AlarmRate,
    KnownRate,
    are_of_drawings,
    counted_rate,
    describe_training,
    known_rates_of,
)
from mebench.inference.blindness import Stretches, blind_stretches, describe_blindness, recovered_on_card
from mebench.inference.default_models import default_naming_file
from mebench.inference.models import Model, included_models, read_model
from mebench.inference.operating_point import seen_seconds
from mebench.inference.own_film import (
    NeutralLevel,
    Stretch,
    hold_back,
    neutral_levels,
    read_neutral,
    without_repeats,
)
from mebench.inference.predict import Answer, Predicted, levels_of, list_remarks, predict_all
from mebench.inference.recovery import WORDS, Recovery, measure_recovery
from mebench.inspection.soundness import FPS_TOLERANCE
from mebench.lazy_imports import load_lazily
from mebench.output.json_output import write_json
from mebench.output.progress import Progress
from mebench.output.terminal import escape_controls, format_count
from mebench.reports.page_templates import template_environment
from mebench.reports.timeline import COLORS, Lane, Span, Timeline, Track, clock_time, edges_of, unit_lanes
from mebench.spotting import stretches

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

TEMPLATES = Path(__file__).parent / "templates"
Faces = Literal["largest", "all"]
CAUTION = (
    "A spotted interval means only that something moved there the way the training movements did. It does not say what a "
    "person feels, thinks or hides, and nothing here detects lies. Models miss expressions and find some where none are, more so on "
    "faces, cameras and movements unlike their training's. Never use it to judge, hire, grade or accuse anyone, and get consent from "
    "everyone filmed."
)
"""The limits of a result about a person."""
MARKED = 12
"""Frames for which the overlay names a cut or missing frames after them."""
COLUMNS = (
    "subject", "video", "face", "kind", "onset", "apex", "offset", "onset_s", "apex_s", "offset_s", "confidence", "emotion",
)  # fmt: skip


@dataclass(frozen=True)
class FollowedFace:
    """The face that is followed, in the picture where it was found.

    Attributes:
        box: left, top, right and bottom edge in pixels of the whole picture, the last two exclusive.
        size: width and height of the whole picture.
        seconds: time of the picture.
        frames: frames in which the face is followed; of several faces, each in its own part of the pictures.
        corner: left and upper edge of these frames in the whole picture.
        crop: step that follows the face.
    """

    box: Box
    size: tuple[int, int]
    seconds: float
    frames: Frames
    corner: tuple[int, int]
    crop: FaceCrop

    def describe(self) -> str:
        """The position of the face in words."""
        left, top, right, _ = self.box
        width, height = self.size
        return (
            f"The face that is followed, as found at {clock_time(self.seconds)}: {right - left} pixels wide, {max(left, 0)} from the "
            f"left and {max(top, 0)} from the top, in a picture of {width} x {height}"
        )

    def find_outlines(self) -> Iterator[NDArray[np.float64]]:
        """The four corners of what the models see of each picture, (4, 2) pixels; the face is followed once more for it."""
        label = "the video"
        edge = self.crop.size - 0.5
        corners = np.array([(-0.5, -0.5), (edge, -0.5), (edge, edge), (-0.5, edge)])
        grays = (to_gray(self.frames[index], index, label) for index in range(len(self.frames)))
        reference = self.crop.locate(self.frames, None, label)
        for _, matrix in self.crop.map_to_crops(grays, reference, label):
            back = np.asarray(np.linalg.inv(matrix), np.float64)
            yield map_points(corners, back) + self.corner


@dataclass(frozen=True)
class SpottedVideo:
    """One face in one video.

    Attributes:
        name: name of the video.
        face: `face1` and so on if several are followed, else empty.
        path: the file, or the folder of images.
        video: as in the dataset.
        times: seconds at which the frames are shown, (n_frames,).
        answer: answer of the models.
        notes: cautions, in sentences.
        rates: number of intervals a minute of each kind, beside those of the models elsewhere.
        breaks: frames that do not follow the one before at once.
        followed: the face that is followed; None for ready-made features.
        recovery: outcome of micro-expressions that were put into the film, if asked for.
        blind: first and last frame, both inclusive, of stretches in which the models are blind, and what the person does there.
    """

    name: str
    face: str
    path: Path
    video: Video
    times: NDArray[np.float64]
    answer: Answer
    notes: tuple[str, ...]
    rates: tuple[AlarmRate, ...] = ()
    breaks: tuple[Break, ...] = ()
    followed: FollowedFace | None = None
    recovery: Recovery | None = None
    blind: Stretches = ()

    @property
    def is_unlike(self) -> bool:
        """Whether so much was spotted that the film is unlike the measured ones. These are all in which the model was measured."""
        return any(rate.is_unlike for rate in self.rates)

    @cached_property
    def ends(self) -> list[float]:
        """Seconds at which each frame ends."""
        return [float(end) for end in edges_of(self.times, self.video.fps)[1:]]

    @property
    def seconds(self) -> float:
        """Length of the video."""
        return self.ends[-1] - float(self.times[0])

    def intervals(self) -> pd.DataFrame:
        """`COLUMNS`: frames with the numbers of image files, else from 0; times in seconds from the frames' own time
        stamps.

        Both ends are inclusive: `offset_s` is when the last frame is first shown.
        """
        last = len(self.times) - 1
        rows = []
        for p in sorted(self.answer.predictions, key=lambda p: (p.onset, p.kind)):
            frames = [min(max(frame, 0), last) for frame in (p.onset, p.apex, p.offset)]
            numbers = [number_at(frame, self.video.first, self.video.numbers) for frame in frames]
            seconds = [round(float(self.times[frame]), 6) for frame in frames]
            about = (escape_controls(self.video.subject), self.name, self.face, p.kind)
            rows.append((*about, *numbers, *seconds, float(f"{p.confidence:.6g}"), p.emotion or ""))
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def describe_spans(self) -> list[tuple[int, int, Kind, str]]:
        """First and last frame of each interval, from 0, its kind and a description."""
        last = len(self.times) - 1
        spans = []
        for p in self.answer.predictions:
            words = filter(None, [self.face, p.kind, p.emotion, f"{p.confidence:.3g}"])
            spans.append((max(p.onset, 0), min(p.offset, last), p.kind, " ".join(words)))
        return spans

    def make_tiers(self) -> list[Tier]:
        """For ELAN: a tier for each kind, with confidences, and a tier of emotions if the models name them."""
        marks: dict[str, list[Mark]] = {kind: [] for kind in self.answer.curves}
        for (first, last, kind, _), p in zip(self.describe_spans(), self.answer.predictions):
            begin = round(1000 * float(self.times[first]))
            end = round(1000 * self.ends[last])
            marks[kind].append(Mark(begin, end, f"{p.confidence:.6g}"))
            if p.emotion is not None:
                marks.setdefault(EMOTION, []).append(Mark(begin, end, p.emotion))
        ending = f"@{self.face}" if self.face else ""
        return [Tier(f"{name}{ending}", tuple(of_tier), "mebench", self.face) for name, of_tier in marks.items()]

    def make_timeline(self) -> Timeline:
        """The curves and intervals."""
        n_frames = len(self.times)
        fps = self.video.fps
        is_steady = fps and np.allclose(self.times, np.arange(n_frames) / fps, rtol=0, atol=5e-4)
        return Timeline(
            self.title,
            n_frames,
            fps,
            [Track("", self.answer.curves, self._lanes())],
            times=None if is_steady else self.times,
            first=None if self.video.numbers else self.video.first,
            hidden=[
                *(
                    (first, last, f"no face in sight from {self._between(first, last)}")
                    for first, last in self.answer.unseen
                ),
                *(
                    (first, last, f"{WORDS[activity]} the model is blind, from {self._between(first, last)}")
                    for first, last, activity in self.blind
                ),
            ],
            marks=self.find_marks(),
        )

    def is_hidden(self, frame: int) -> bool:
        """Whether no face is in sight."""
        return any(first <= frame <= last for first, last in self.answer.unseen)

    def find_marks(self) -> list[tuple[int, str]]:
        """Frames that do not follow the one before, and why: cuts, missing and lost frames, new time stamps."""
        reasons = {break_.frame: break_.words for break_ in self.breaks}
        frames = sorted({*self.answer.cuts, *reasons})
        return [
            (frame, f"{reasons.get(frame, 'a cut: another picture begins')}, at {clock_time(float(self.times[frame]))}")
            for frame in frames
        ]

    def _lanes(self) -> list[Lane]:
        """A lane of intervals for each kind, and one for each named action unit."""
        predictions = self.answer.predictions
        strengths = pd.Series([p.confidence for p in predictions], dtype=float).rank(pct=True)
        spans: dict[Kind, list[Span]] = {kind: [] for kind in self.answer.curves}
        named: list[tuple[Span, str | None, None]] = []
        for (onset, offset, kind, words), p, strength in zip(self.describe_spans(), predictions, strengths):
            apex = min(max(p.apex, 0), len(self.times) - 1)
            text = f"{words}: {self._between(onset, offset)}"
            spans[kind].append(Span(onset, offset, text, apex, strength=float(strength)))
            named.append((Span(onset, offset, ""), p.emotion, None))
        lanes = [Lane(kind, of_kind, kind, spotted=True) for kind, of_kind in spans.items()]
        return [*lanes, *unit_lanes(named)]

    def _between(self, first: int, last: int) -> str:
        """The seconds from the beginning of a frame to the end of another, in words."""
        return f"{clock_time(float(self.times[first]))} to {clock_time(self.ends[last])}"

    @property
    def title(self) -> str:
        """The video, and the face if several are followed."""
        return f"{self.name}, {self.face}" if self.face else self.name

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "video": self.name,
            "face": self.face or None,
            "fps": self.video.fps,
            "frames": len(self.times),
            "seconds": round(self.seconds, 6),
            "notes": list(self.notes),
            "rates": [rate.plain() for rate in self.rates],
            "recovery": None if self.recovery is None else self.recovery.plain(),
            "blind_s": [
                [round(float(self.times[first]), 6), round(self.ends[last], 6), activity]
                for first, last, activity in self.blind
            ],
            "activities": [
                [round(float(self.times[first]), 6), round(self.ends[last], 6), activity]
                for first, last, activity in self.answer.activities
            ],
            "face_box": self.answer.box if self.followed is None else self.followed.box,
            "cuts_s": [round(float(self.times[cut]), 6) for cut in self.answer.cuts],
            "breaks": [
                {"before_s": round(float(self.times[frame]), 6), "missing": missing, "reason": words}
                for frame, missing, words in self.breaks
            ],
            "no_face_s": [
                [round(float(self.times[first]), 6), round(self.ends[last], 6)] for first, last in self.answer.unseen
            ],
            "intervals": self.intervals().drop(columns=["subject", "video", "face"]).to_dict("records"),
        }


@dataclass(frozen=True)
class SpottedVideos:
    """Intervals spotted in some videos.

    Attributes:
        model: description of the models.
        videos: faces of all predicted videos.
        failed: reasons for the failed videos, by name.
        notes: remarks on files.
        account: number of files that were given and taken, and those left out with their reasons.
        drawn: whether the models were trained on drawn faces.
    """

    model: str
    videos: tuple[SpottedVideo, ...]
    failed: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    account: tuple[dict[str, Any], ...] = ()
    drawn: bool = False

    @property
    def shows_hidden(self) -> bool:
        """Whether a face is out of sight somewhere."""
        return any(video.answer.unseen for video in self.videos)

    @property
    def shows_blind(self) -> bool:
        """Whether the models are blind somewhere."""
        return any(video.blind for video in self.videos)

    @property
    def shows_breaks(self) -> bool:
        """Whether a film has a cut, missing frames or new time stamps."""
        return any(video.find_marks() for video in self.videos)

    @property
    def baseline(self) -> float | None:
        """Seconds of the running median that the models take off the scores, or None."""
        curves = (curve for video in self.videos for curve in video.answer.curves.values())
        return next((curve.baseline for curve in curves if curve.baseline), None)

    @property
    def emotion_heading(self) -> str:
        """The heading of the column of emotions."""
        return "emotion, learnt from drawings" if self.drawn else "emotion"

    def describe_findings(self) -> list[str]:
        """What was spotted in all videos, in sentences: places to look at, and films unlike the measured ones."""
        spotted = [(p.confidence, video, p) for video in self.videos for p in video.answer.predictions]
        n_videos = format_count(len(self.videos), "video")
        seconds = sum(video.seconds for video in self.videos)
        if not self.videos:
            return ["No video could be predicted."]
        if not spotted:
            nothing = f"Nothing was spotted in {n_videos} of {seconds:.1f} s; that does not show that nothing happened."
            return [nothing, *self._describe_recoveries()]
        _, of_surest, surest = max(spotted, key=itemgetter(0))
        place = clock_time(float(of_surest.times[min(max(surest.apex, 0), len(of_surest.times) - 1)]))
        places = format_count(len(spotted), "place")
        sentences = [
            f"{places} to look at in {n_videos} of {seconds:.1f} s; the surest is at {place} of {of_surest.title}."
        ]
        unlike = [video.title for video in self.videos if video.is_unlike]
        if unlike:
            sentences.append(f"So many are spotted in {list_first(unlike)} that they say nothing there.")
        return [*sentences, *self._describe_recoveries()]

    def _describe_recoveries(self) -> Iterator[str]:
        """How many of the micro-expressions that were put into a film were found."""
        for video in self.videos:
            share = video.recovery.found() if video.recovery else None
            if share is not None and share.of:
                put_in = format_count(share.of, "micro-expression that was", "micro-expressions that were")
                were = "was" if share.found == 1 else "were"
                yield f"Of {put_in} put into copies of {video.title}, {share.found} {share.describe_interval()} {were} found."

    @property
    def intervals(self) -> pd.DataFrame:
        """All intervals, with `COLUMNS`."""
        return pd.concat([video.intervals() for video in self.videos], ignore_index=True)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "model": self.model,
            "caution": CAUTION,
            "notes": list(self.notes),
            "failed": dict(self.failed),
            "account": list(self.account),
            "videos": [video.plain() for video in self.videos],
        }

    def write(self, out: Path, overlay: bool = False, progress: Progress | None = None) -> list[Path]:
        """Write `intervals.csv`, `intervals.json`, `report.html`, and for each video `intervals.eaf`; of several
        `NAME.eaf`.

        Args:
            out: the folder; files of these names are replaced.
            overlay: write `overlay.mp4`, of several videos `NAME.overlay.mp4`, too: it shows the faces of the video.
            progress: reports the progress.

        Returns:
            The files.

        Raises:
            DataError: a file cannot be written.
        """
        with refused_by_system(f"the folder {out} cannot be made", "name another with -o DIR"):
            out.mkdir(parents=True, exist_ok=True)
        with (
            refused_by_system(f"nothing can be written into {out}", "name another folder with -o DIR"),
            new_folder(out) as made,
        ):
            files = [*self._write_tables(made), *self._write_videos(made, overlay, progress or Progress())]
            return [file.replace(out / file.name) for file in files]

    def _write_tables(self, folder: Path) -> Iterator[Path]:
        """Write tables and page of all videos; faces and emotions are columns only if there are any."""
        table = self.intervals
        columns = [name for name in COLUMNS if name not in ("face", "emotion") or (table[name] != "").any()]
        file = folder / "intervals.csv"
        write_rows(file, columns, iter(table[columns].astype(object).values.tolist()))
        yield file
        file = folder / "intervals.json"
        write_json(self.plain(), str(file))
        yield file
        file = folder / "report.html"
        write_text(file, self.make_page())
        yield file

    def _write_videos(self, folder: Path, overlay: bool, progress: Progress) -> Iterator[Path]:
        """Write the annotation file of each video, and the video with its intervals drawn."""
        videos = group_by(self.videos, key=lambda video: video.name)
        for name, faces in videos.items():
            beginning = "" if len(videos) == 1 else f"{name.replace('/', '_')}."
            media = faces[0].path if faces[0].path.is_file() else None
            file = folder / (f"{beginning}eaf" if beginning else "intervals.eaf")
            write_eaf(file, media, faces[0].video.fps, [tier for face in faces for tier in face.make_tiers()])
            yield file
            if overlay:
                file = folder / f"{beginning}overlay.mp4"
                with progress.waiting(f"drawing {file.name}"):
                    write_video(file, _overlaid(faces), faces[0].times)
                yield file

    def make_page(self) -> str:
        """A page with the timelines that needs no other file and no network; it contains no picture of a person."""
        return template_environment(TEMPLATES).get_template("spotted.html").render(spotted=self, caution=CAUTION)


def spot_videos(  # noqa: PLR0913  (each option of the command stands by itself)
    paths: Sequence[Path],
    models: Sequence[Model],
    *,
    faces: Faces = "largest",
    fps: float | None = None,
    damaged: str = "refuse",
    emotions: bool = False,
    neutral: str | Path | None = None,
    known_rates: Mapping[Kind, Sequence[KnownRate]] | None = None,
    recovery: bool | int = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> SpottedVideos:
    """Spot in videos with models whose scores are averaged.

    Args:
        paths: video files and folders of images.
        models: models whose scores are averaged.
        faces: the largest face of the first picture with one, or all faces separately.
        fps: frames per second of folders of images, and of files that state a wrong rate: durations follow it, times
            follow the file.
        damaged: `accept` uses whatever can be decoded of a damaged file.
        emotions: whether to name emotions; an included model names them where these only spot.
        neutral: stretch such as `0-20s` of each video, or another film of the person, in which nothing happened: its highest
            peak sets the level.
        known_rates: alarms a minute of the models elsewhere, by kind; by default those on the card of a file.
        recovery: put micro-expressions into copies of each video, and count what is found; a number is that of the copies.
        workers: processes; None for all cores.
        progress: reports the progress.

    Raises:
        MebenchError: no video can be read or predicted, or the models have no level that `neutral` could set.
    """
    progress = progress or Progress()
    if recovery and faces == "all":
        raise ConfigError("recovery follows the largest face: leave out --faces all, or --recovery")
    settings = _dataset_settings(paths, fps, damaged)
    quiet = None if neutral is None else read_neutral(neutral)
    tracks_by_video: dict[str, FaceTracks] | None = None
    if faces == "all":
        tracks_by_video = _find_tracks(settings, models[0], progress)
        parts = [[name, *part] for name, tracks in tracks_by_video.items() for part in tracks.parts]
        if parts:
            settings["dataset.faces"] = parts
    chosen = resolve_dataset(settings)
    namers = _naming_models(models) if emotions else ()
    predicted = predict_all(
        models, chosen, workers, progress, True, emotions, all_peaks=quiet is not None, namers=namers
    )
    neutral_levels_by_key: dict[str, dict[Kind, NeutralLevel]] = {}
    if quiet is not None:
        answers_elsewhere = None
        if isinstance(quiet, Path):
            elsewhere = resolve_dataset(_dataset_settings([quiet], fps, damaged))
            answers_elsewhere = [*predict_all(models, elsewhere, workers, progress, True, False, True).answers.values()]
        predicted, neutral_levels_by_key = _with_neutral_levels(predicted, quiet, answers_elsewhere)
    predicted = replace(predicted, answers={key: without_repeats(answer) for key, answer in predicted.answers.items()})
    rates = known_rates_of(models) if known_rates is None else known_rates
    quiet_time = None if quiet is None else QuietTime(quiet, neutral_levels_by_key)
    dataset: Any = predicted.dataset
    recovered: Mapping[str, Recovery] = {}
    if recovery:
        levels = None
        if quiet is not None:
            levels = {
                key: {kind: one.level for kind, one in found.items()} for key, found in neutral_levels_by_key.items()
            }
        copies = None if recovery is True else int(recovery)
        recovered = measure_recovery(settings, predicted, models, workers, progress, levels, copies)
    ids = {video.key: video.id for video in predicted.job.test}
    named_by = f"; emotions: {_models_in_words(namers)}" if namers else ""
    return SpottedVideos(
        f"{_models_in_words(models)}{named_by}",
        tuple(_spotted_videos(predicted, models, tracks_by_video, rates, quiet_time, recovered)),
        {
            _printable_name(dataset, ids.get(key, key.rpartition("/")[2])): escape_controls(reason)
            for key, reason in predicted.failed.items()
        },
        tuple(map(escape_controls, list_remarks(dataset))),
        tuple(dataset.account.plain()),
        drawn=are_of_drawings(namers or models),
    )


def _naming_models(models: Sequence[Model]) -> tuple[Model, ...]:
    """The included model that names the emotions of what other models spot; none where they name them."""
    if "recognize" in models[0].about["tasks"]:
        return ()
    return (read_model(default_naming_file()),)


def _dataset_settings(paths: Sequence[Path], fps: float | None, damaged: str) -> dict[str, Any]:
    """The settings under which files and folders are a dataset."""
    settings: dict[str, Any] = {
        "dataset": "folder",
        "dataset.videos": [str(path) for path in paths],
        "dataset.follow_links": True,  # the videos are named one by one, and so are links
    }
    if fps is not None:
        settings["dataset.fps"] = fps
    if damaged != "refuse":
        settings["dataset.damaged"] = damaged
    return settings


def _with_neutral_levels(
    predicted: Predicted, quiet: Stretch | Path, elsewhere: Sequence[Answer] | None
) -> tuple[Predicted, dict[str, dict[Kind, NeutralLevel]]]:
    """Predictions with the level that quiet time sets, and these levels. The levels stand by key of the video and kind.

    Args:
        predicted: predictions without a level.
        quiet: stretch of each video, or another film.
        elsewhere: answers to the other film; None for a stretch.
    """
    models_levels = levels_of(predicted.job.models)
    stretch = None if isinstance(quiet, Path) else quiet
    answers = {}
    levels = {}
    for key, answer in predicted.answers.items():
        found = neutral_levels([answer] if elsewhere is None else elsewhere, models_levels, stretch)
        answers[key] = hold_back(answer, {kind: one.level for kind, one in found.items()}, stretch)
        levels[key] = found
    return replace(predicted, answers=answers), levels


@dataclass(frozen=True)
class QuietTime:
    """Time of a person in which nothing happened.

    Attributes:
        where: stretch of each video, or another film.
        levels: levels that it sets, by key of the video and kind.
    """

    where: Stretch | Path
    levels: Mapping[str, Mapping[Kind, NeutralLevel]]

    def describe(self, key: str) -> Iterator[str]:
        """The level of each kind, in sentences."""
        if isinstance(self.where, Path):
            place = f"in {self.where.name}"
        else:
            first, last = self.where
            place = f"from {clock_time(first)} to {clock_time(last)}"
        for kind, level in self.levels.get(key, {}).items():
            yield f"{kind}: {level.describe(place)}"

    def rate(self, key: str, kind: Kind) -> KnownRate:
        """Alarms a minute of this person at the level.

        Where the highest peak set the level, one more as high is to be expected in a time as long.
        """
        level = self.levels[key][kind]
        words = f"{level.seconds:.1f} s of this person in which nothing happened"
        return counted_rate("person", words, level.alarms, level.seconds)

    def seconds_of(self, key: str, kind: Kind) -> float:
        """Seconds of the video itself that count as quiet, and hold no intervals for that."""
        return 0.0 if isinstance(self.where, Path) else self.levels[key][kind].seconds


def _printable_name(dataset: Any, name: str) -> str:
    """The name of a video, with bytes that are no letters written as numbers."""
    return escape_controls(dataset.shown_name(name))


def _find_tracks(settings: Mapping[str, Any], model: Model, progress: Progress) -> dict[str, FaceTracks]:
    """The region of each face in videos with several faces, by the video's name."""
    crop = _crop_of(model)
    source: Any = registry.load_plugin("dataset", "folder")(resolve_dataset(settings).dataset_params["folder"])
    tracks_by_video = {}
    videos = source.videos()
    lengths = [_length_of(source, video) for video in videos]
    n_frames = max(sum(lengths), 1)
    with progress.frames("faces", len(videos), of_frames=n_frames) as show:
        for place, video in enumerate(videos):
            before = sum(lengths[:place])

            def show_frame(index: int, place: int = place, before: int = before) -> None:
                show(place, before + index, (before + index) / n_frames)

            with suppress(Exception):  # the prediction reports unreadable videos; the others continue
                tracks = find_face_tracks(
                    source.frames(video), crop.detect_faces, video.fps or 25.0, video.key, show_frame
                )
                if len(tracks.parts) + tracks.mixed > 1:
                    tracks_by_video[video.id] = tracks
            finished = before + lengths[place]
            show(place + 1, finished, finished / n_frames)
    return tracks_by_video


def _length_of(dataset: Any, video: Video) -> int:
    """Number of frames of a video; 0 if it cannot be read, which the prediction reports."""
    with suppress(Exception):
        return len(dataset.frames(video))
    return 0


def _crop_of(model: Model) -> FaceCrop:
    """The step by which a model follows the face."""
    params = model.config.method_params
    return params.face() if isinstance(params, FaceParams) else FaceCrop()


def _spotted_videos(
    predicted: Predicted,
    models: Sequence[Model],
    tracks_by_video: Mapping[str, FaceTracks] | None,
    known_rates: Mapping[Kind, Sequence[KnownRate]],
    quiet_time: QuietTime | None,
    recovered: Mapping[str, Recovery],
) -> Iterator[SpottedVideo]:
    """The faces of the predicted videos.

    Args:
        predicted: predictions.
        models: models that made them.
        tracks_by_video: followed faces by name of the video; None if only the largest face is followed.
        known_rates: alarms a minute of the models elsewhere, by kind.
        quiet_time: time of the person in which nothing happened, if given.
        recovered: outcome of injections, by key of the video.
    """
    dataset: Any = predicted.dataset
    known = recovered_on_card(models)
    for video in predicted.job.test:
        answer = predicted.answers.get(video.key)
        if answer is None:
            continue
        name, part = dataset.face(video)
        times = dataset.times(video)
        tracks = None if tracks_by_video is None else tracks_by_video.get(name, FaceTracks([], 0))
        path = dataset.place(video)
        frames = dataset.frames(video)
        breaks = tuple(read_breaks(frames))
        on_level = () if quiet_time is None else quiet_time.describe(video.key)
        on_blindness = describe_blindness(answer, known, video.fps or 25.0)
        notes = (*_notes(video, times, answer, models, tracks, breaks), *on_blindness, *on_level)
        face = video.id[len(name) + 1 :]
        rates = tuple(_alarm_rates(video.key, answer, known_rates, quiet_time))
        followed = _followed_face(frames, part, times, answer, models[0])
        yield SpottedVideo(
            _printable_name(dataset, name),
            face,
            path,
            video,
            times,
            answer,
            notes,
            rates,
            breaks,
            followed,
            recovered.get(video.key),
            tuple(blind_stretches(answer, known)),
        )


def _followed_face(
    frames: Frames, part: Box | None, times: NDArray[np.float64], answer: Answer, model: Model
) -> FollowedFace | None:
    """The face that is followed; None if it was not searched.

    Args:
        frames: frames in which it is followed.
        part: these frames in the whole pictures; None for all of them.
        times: seconds of the frames.
        answer: answer of the models.
        model: one of the models.
    """
    if answer.box is None:
        return None
    left, top = (0, 0) if part is None else part[:2]
    x0, y0, x1, y1 = answer.box
    height, width = getattr(frames, "whole", frames)[answer.found].shape[:2]
    box = (x0 + left, y0 + top, x1 + left, y1 + top)
    return FollowedFace(box, (width, height), float(times[answer.found]), frames, (left, top), _crop_of(model))


def _alarm_rates(
    key: str, answer: Answer, known_rates: Mapping[Kind, Sequence[KnownRate]], quiet_time: QuietTime | None
) -> Iterator[AlarmRate]:
    """How often each kind was spotted, beside the models' rates elsewhere."""
    for kind in answer.curves:
        count = sum(prediction.kind == kind for prediction in answer.predictions)
        seconds = seen_seconds(answer)
        known = [*known_rates.get(kind, ())]
        if quiet_time is not None:
            seconds = max(seconds - quiet_time.seconds_of(key, kind), 0.0)
            known = [quiet_time.rate(key, kind), *known]
        yield AlarmRate(kind, count, seconds, tuple(known))


def _models_in_words(models: Sequence[Model]) -> str:
    """Methods and origin of some models, and their folds if they are a run's."""
    first = models[0]
    methods = " + ".join(filter(None, [first.config.method, first.config.recognizer]))
    if first.header:
        origin = "included model" if first.file in included_models() else "model"
        return f"Method {methods}, {origin} {first.header.name}{describe_training(first.header.card)}"
    folds = f"{len(models)} folds together" if len(models) > 1 else f"fold {first.fold}"
    return f"Method {methods}, {first.name}: {folds}"


def _notes(
    video: Video,
    times: NDArray[np.float64],
    answer: Answer,
    models: Sequence[Model],
    tracks: FaceTracks | None,
    breaks: Sequence[Break],
) -> Iterator[str]:
    """Cautions about an answer."""
    yield _on_rate(video, answer, models)
    fps = answer.timing.fps
    n_missing = sum(break_.missing for break_ in breaks)  # they make times longer, not the rate wrong
    longer = fps * float(np.ptp(times)) / max(len(times) - 1 + n_missing, 1)
    if longer and abs(longer - 1) > FPS_TOLERANCE:
        yield f"seconds are those of the file, {longer:.4g} times the real ones"
    yield from _on_faces(answer, tracks)
    if answer.unseen:
        count = format_count(len(answer.unseen), "stretch", "stretches")
        seconds = sum(last - first + 1 for first, last in answer.unseen) / fps
        yield f"no face in sight in {count}, {seconds:.1f} s together: nothing is spotted there"
    yield from _on_breaks(times, answer, breaks)


def _on_breaks(times: NDArray[np.float64], answer: Answer, breaks: Sequence[Break]) -> Iterator[str]:
    """Cuts, and moments at which a film does not go on at once."""
    if breaks:
        first, missing, words = breaks[0]
        others = f" and in {format_count(len(breaks) - 1, 'other place')}" if len(breaks) > 1 else ""
        effect = ": times count what is missing" if missing else ""
        yield f"{words}, at {clock_time(float(times[first]))}{others}{effect}"
    if answer.cuts:
        cuts = format_count(len(answer.cuts), "cut")
        yield f"{cuts}, the first at {clock_time(float(times[answer.cuts[0]]))}: each part is spotted in as a film of its own"


def _on_rate(video: Video, answer: Answer, models: Sequence[Model]) -> str:
    """The frame rate, those of the training, and the durations in frames."""
    timing = answer.timing
    rates: set[float] = set()
    for model in models:
        rates |= {float(trained["fps"]) for trained in model.timings if trained["fps"]}
    elsewhere = ""
    if rates and rates != {video.fps}:
        elsewhere = f", where the models were trained at {' and '.join(f'{rate:g}' for rate in sorted(rates))}"
    durations = [f"motion is measured over k = {_in_time(timing.k, timing.fps)}"]
    durations += [
        f"a {kind}-expression is taken to last 2 k' = {_in_time(2 * k_prime, timing.fps)}"
        for kind, k_prime in timing.k_prime.items()
    ]
    return f"{video.fps:.6g} frames a second{elsewhere}: {', '.join(durations)}"


def _in_time(n_frames: int, fps: float) -> str:
    """A number of frames, and its milliseconds."""
    return f"{n_frames} frames ({1000 * n_frames / fps:.0f} ms)"


def _on_faces(answer: Answer, tracks: FaceTracks | None) -> Iterator[str]:
    """The faces that are not followed; `tracks` is None if only the largest one is."""
    if tracks is None:
        if answer.faces > 1:
            yield f"{answer.faces} faces are seen, and the largest is followed: --faces all spots in each face separately"
    elif tracks.mixed:
        n_faces = len(tracks.parts) + tracks.mixed
        rest = f"{tracks.mixed} left out" if tracks.parts else "the largest is followed"
        yield f"of {n_faces} faces {rest}: one comes where another was, as they or the camera move"


def _overlaid(faces: Sequence[SpottedVideo]) -> Iterator[NDArray[np.uint8]]:
    """The frames of a video, with the box and a strip of each followed face."""
    path = faces[0].path
    frames = FolderFrames(path) if path.is_dir() else VideoFrames(path, accept=True)
    outlines: list[Iterable[Any]] = []
    for face in faces:
        of_face = face.followed.find_outlines() if face.followed else repeat(None)
        outlines.append(of_face)
    strips: list[CurveStrip] = []
    for index, corners_of_faces in enumerate(zip(*outlines)):
        frame = frames[index]
        if not strips:  # their width is that of the first frame
            strips = [_strip_of(face, frame.shape[1], row) for row, face in enumerate(faces)]
        for face, corners in zip(faces, corners_of_faces):
            if corners is not None:
                frame = _with_box(frame, corners, face.is_hidden(index))
        for strip in strips:
            frame = strip.draw(frame, index)
        yield frame


def _with_box(frame: NDArray[np.uint8], corners: NDArray[np.float64], hidden: bool) -> NDArray[np.uint8]:
    """A frame with the outline of the followed face, dim while it is hidden."""
    drawn = frame.copy()
    wide = max(1, round(frame.shape[1] / 500))
    places = np.round(corners).astype(np.int32)
    color = (120, 120, 120) if hidden else (255, 255, 255)
    cv2.polylines(drawn, [places], True, (0, 0, 0), 2 * wide + 1, cv2.LINE_AA)
    cv2.polylines(drawn, [places], True, color, wide, cv2.LINE_AA)
    return drawn


def _strip_of(face: SpottedVideo, width: int, row: int) -> CurveStrip:
    """The strip of a face, with the curve of its first kind."""
    curve = next(iter(face.answer.curves.values()))
    values = curve.scores if curve.smoothed is None else curve.smoothed
    return CurveStrip(width, values, face.describe_spans(), row, face.answer.unseen, face.find_marks())


LEAST_STRIP = 48
"""Least height of a strip, pixels."""
STRIP_MARGIN = 4
"""Pixels above and below the curve of a strip."""
GROUND, HIDDEN_GROUND = 24, 70
"""Gray of a strip, and where no face is in sight."""


class CurveStrip:
    """A curve and its intervals, drawn below each frame of a video.

    Args:
        width: width of the frames, pixels.
        values: the curve, (n,); NaN leaves a gap.
        spans: first and last frame, both inclusive, kind and words of each interval.
        row: row of the words in the picture, from 0.
        hidden: first and last frame, both inclusive, of stretches without a visible face.
        marks: frames that do not follow the one before, and why.
    """

    def __init__(
        self,
        width: int,
        values: NDArray[np.float64],
        spans: Sequence[tuple[int, int, Kind, str]],
        row: int = 0,
        hidden: Sequence[tuple[int, int]] = (),
        marks: Sequence[tuple[int, str]] = (),
    ) -> None:
        self._row = row
        self._n = max(len(values), 1)
        self._spans = spans
        self._hidden = hidden
        self._marks = marks
        self._height = max(LEAST_STRIP, width // 12)
        self._picture = np.full((self._height, width, 3), GROUND, np.uint8)
        for first, last in hidden:
            self._picture[:, self._columns(first, last)] = HIDDEN_GROUND
        for first, last, kind, _ in spans:
            self._picture[:, self._columns(first, last)] = _bgr(kind) // 2
        for frame, _ in marks:
            self._picture[::4, self._columns(frame, frame - 1)] = 255  # a dotted line
        self._draw_curve(values)

    def _columns(self, first: int, last: int) -> slice:
        """The columns of a stretch, at least one."""
        width = self._picture.shape[1]
        left = max(int(first * width / self._n), 0)
        return slice(left, max(int((last + 1) * width / self._n), left + 1))

    def _draw_curve(self, values: NDArray[np.float64]) -> None:
        """Draw the curve over the strip, within its margins."""
        is_known = np.isfinite(values)
        known = values[is_known]
        low = float(known.min()) if len(known) else 0.0
        high = float(known.max()) if len(known) else 1.0
        span = (high - low) or 1.0  # of a level curve
        room = self._height - 1 - 2 * STRIP_MARGIN
        heights = STRIP_MARGIN + room * (high - values) / span
        places = (np.arange(len(values)) + 0.5) * self._picture.shape[1] / self._n
        for first, last in stretches(is_known):
            points = np.stack([places, heights], axis=1)[first : last + 1].astype(np.int32)
            cv2.polylines(self._picture, [points], False, (235, 235, 235), 1, cv2.LINE_AA)

    def draw(self, frame: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
        """A frame with the strip below it, and the description of its interval.

        Args:
            frame: the frame, (H, W, 3) in B, G, R order.
            index: position of the frame.

        Returns:
            (H + strip, W, 3).
        """
        strip = self._picture.copy()
        at = int((index + 0.5) * strip.shape[1] / self._n)
        cv2.line(strip, (at, 0), (at, self._height), (255, 255, 255), 2)
        image = np.concatenate([frame, strip])
        now = [(kind, words) for first, last, kind, words in self._spans if first <= index <= last]
        if now:
            first_kind, _ = now[0]
            self._write_words(image, ", ".join(words for _, words in now), _bgr(first_kind).tolist())
        else:
            self._write_words(image, self._reason_at(index), (200, 200, 200))
        return image

    def _reason_at(self, index: int) -> str:
        """Why nothing can be spotted at a frame, or what was cut just before it."""
        if any(first <= index <= last for first, last in self._hidden):
            return "no face in sight"
        return next((words for frame, words in self._marks if 0 <= index - frame < MARKED), "")

    def _write_words(self, image: NDArray[np.uint8], words: str, color: Sequence[int]) -> None:
        """Write a description into this strip's row."""
        if not words:
            return
        scale = max(image.shape[1] / 1280, 0.4)
        (wide, _), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
        scale *= min(1.0, (image.shape[1] - 24 * scale) / max(wide, 1))  # in small films the words stay inside
        place = (int(12 * scale), int(36 * scale * (1 + self._row)))
        for ink, thick in (((0, 0, 0), 5), (color, 2)):
            cv2.putText(image, words, place, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, max(1, round(thick * scale)))


def _bgr(kind: Kind) -> NDArray[np.uint8]:
    """The colour of a kind, (3,) in B, G, R order, lighter than on paper."""
    return np.array([min(part + 50, 255) for part in reversed(ImageColor.getrgb(COLORS[kind]))], np.uint8)
