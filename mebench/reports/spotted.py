"""Intervals spotted in a user's videos: as tables, for ELAN, as a page with timelines, and drawn into the videos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import ImageColor

from mebench.atomic import new_folder
from mebench.config import registry, resolve_dataset
from mebench.core import Kind, Video
from mebench.core.types import number_at
from mebench.errors import refused_by_system
from mebench.exchange.eaf import EMOTION, Mark, Tier, write_eaf
from mebench.exchange.write import write_rows
from mebench.features import FaceCrop, FaceParams
from mebench.features.face_tracks import FaceTracks, find_face_tracks
from mebench.files import write_text
from mebench.frames import FolderFrames, VideoFrames
from mebench.frames.videofile import write_video
from mebench.grouping import group_by
from mebench.inference.models import Model
from mebench.inference.operating_point import seen_seconds
from mebench.inference.own_film import Stretch, hold_back, neutral_levels, read_neutral, without_repeats
from mebench.inference.predict import Answer, Predicted, levels_of, predict_all
from mebench.inspection.soundness import FPS_TOLERANCE
from mebench.json_output import write_json
from mebench.lazy_imports import load_lazily
from mebench.progress import Progress
from mebench.reports.alarm_rates import AlarmRate, are_of_drawings, own_rates_of
from mebench.reports.report import template_environment
from mebench.reports.timeline import COLORS, Lane, Span, Timeline, Track, clock_time, edges_of, unit_lanes
from mebench.spotting import stretches
from mebench.terminal import escape_controls, format_count

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

Faces = Literal["largest", "all"]
CAUTION = (
    "A spotted interval means only that something moved there the way the training movements did. It does not say what a "
    "person feels, thinks or hides, and nothing here detects lies. Models miss expressions and find some where none are, more so on "
    "faces, cameras and movements unlike their training's. Never use it to judge, hire, grade or accuse anyone, and get consent from "
    "everyone filmed."
)
"""The limits of a result about a person."""
COLUMNS = (
    "subject", "video", "face", "kind", "onset", "apex", "offset", "onset_s", "apex_s", "offset_s", "confidence", "emotion",
)  # fmt: skip


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
        rates: number of intervals a minute of each kind, beside those of the models without expressions.
    """

    name: str
    face: str
    path: Path
    video: Video
    times: NDArray[np.float64]
    answer: Answer
    notes: tuple[str, ...]
    rates: tuple[AlarmRate, ...] = ()

    @property
    def is_unlike(self) -> bool:
        """Whether so much was spotted that nearly all of it must be false."""
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
            rows.append((*about, *numbers, *seconds, p.confidence, p.emotion or ""))
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def spans(self) -> list[tuple[int, int, Kind, str]]:
        """First and last frame of each interval, from 0, its kind and a description."""
        last = len(self.times) - 1
        spans = []
        for p in self.answer.predictions:
            words = filter(None, [self.face, p.kind, p.emotion, f"{p.confidence:.3g}"])
            spans.append((max(p.onset, 0), min(p.offset, last), p.kind, " ".join(words)))
        return spans

    def tiers(self) -> list[Tier]:
        """For ELAN: a tier for each kind, with confidences, and a tier of emotions if the models name them."""
        marks: dict[str, list[Mark]] = {kind: [] for kind in self.answer.curves}
        for (first, last, kind, _), p in zip(self.spans(), self.answer.predictions):
            begin = round(1000 * float(self.times[first]))
            end = round(1000 * self.ends[last])
            marks[kind].append(Mark(begin, end, f"{p.confidence:.6g}"))
            if p.emotion is not None:
                marks.setdefault(EMOTION, []).append(Mark(begin, end, p.emotion))
        ending = f"@{self.face}" if self.face else ""
        return [Tier(f"{name}{ending}", tuple(of_tier), "mebench", self.face) for name, of_tier in marks.items()]

    def timeline(self) -> Timeline:
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
                (first, last, f"no face in sight from {self._between(first, last)}")
                for first, last in self.answer.unseen
            ],
        )

    def _lanes(self) -> list[Lane]:
        """A lane of intervals for each kind, and one for each named action unit."""
        predictions = self.answer.predictions
        strengths = pd.Series([p.confidence for p in predictions], dtype=float).rank(pct=True)
        spans: dict[Kind, list[Span]] = {kind: [] for kind in self.answer.curves}
        named: list[tuple[Span, str | None, None]] = []
        for (onset, offset, kind, words), p, strength in zip(self.spans(), predictions, strengths):
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
            "face_box": self.answer.box,
            "cuts_s": [round(float(self.times[cut]), 6) for cut in self.answer.cuts],
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
    def emotion_heading(self) -> str:
        """The heading of the column of emotions."""
        return "emotion, learnt from drawings" if self.drawn else "emotion"

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
        write_text(file, self.page())
        yield file

    def _write_videos(self, folder: Path, overlay: bool, progress: Progress) -> Iterator[Path]:
        """Write the annotation file of each video, and the video with its intervals drawn."""
        videos = group_by(self.videos, key=lambda video: video.name)
        for name, faces in videos.items():
            beginning = "" if len(videos) == 1 else f"{name.replace('/', '_')}."
            media = faces[0].path if faces[0].path.is_file() else None
            file = folder / (f"{beginning}eaf" if beginning else "intervals.eaf")
            write_eaf(file, media, faces[0].video.fps, [tier for face in faces for tier in face.tiers()])
            yield file
            if overlay:
                file = folder / f"{beginning}overlay.mp4"
                with progress.waiting(f"drawing {file.name}"):
                    write_video(file, _overlaid(faces), faces[0].times)
                yield file

    def page(self) -> str:
        """A page with the timelines that needs no other file and no network; it contains no picture of a person."""
        return template_environment().get_template("spotted.html").render(spotted=self, caution=CAUTION)


def spot_videos(  # noqa: PLR0913  (each option of the command stands by itself)
    paths: Sequence[Path],
    models: Sequence[Model],
    *,
    faces: Faces = "largest",
    fps: float | None = None,
    damaged: str = "refuse",
    emotions: bool = False,
    neutral: str | Path | None = None,
    own_rates: Mapping[Kind, float] | None = None,
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
        emotions: whether to name emotions, if the models recognize.
        neutral: stretch such as `0-20s` of each video, or another film of the person, in which nothing happened: its highest
            peak sets the level.
        own_rates: false alarms a minute of the models without expressions, by kind; by default those on the card of a file.
        workers: processes; None for all cores.
        progress: reports the progress.

    Raises:
        MebenchError: no video can be read or predicted, or the models have no level that `neutral` could set.
    """
    progress = progress or Progress()
    settings = _dataset_settings(paths, fps, damaged)
    quiet = None if neutral is None else read_neutral(neutral)
    tracks_by_video: dict[str, FaceTracks] | None = None
    if faces == "all":
        tracks_by_video = _find_tracks(settings, models[0], progress)
        parts = [[name, *part] for name, tracks in tracks_by_video.items() for part in tracks.parts]
        if parts:
            settings["dataset.faces"] = parts
    chosen = resolve_dataset(settings)
    predicted = predict_all(models, chosen, workers, progress, True, emotions, all_peaks=quiet is not None)
    notes: dict[str, list[str]] = {}
    if quiet is not None:
        answers_elsewhere = None
        if isinstance(quiet, Path):
            elsewhere = resolve_dataset(_dataset_settings([quiet], fps, damaged))
            answers_elsewhere = [*predict_all(models, elsewhere, workers, progress, True, False, True).answers.values()]
        predicted, notes = _with_neutral_levels(predicted, quiet, answers_elsewhere)
    predicted = replace(predicted, answers={key: without_repeats(answer) for key, answer in predicted.answers.items()})
    rates = own_rates_of(models) if own_rates is None else own_rates
    dataset: Any = predicted.dataset
    ids = {video.key: video.id for video in predicted.job.test}
    return SpottedVideos(
        _models_in_words(models),
        tuple(_spotted_videos(predicted, models, tracks_by_video, rates, notes)),
        {
            _printable_name(dataset, ids.get(key, key.rpartition("/")[2])): escape_controls(reason)
            for key, reason in predicted.failed.items()
        },
        tuple(map(escape_controls, dataset.repairs())),
        tuple(dataset.account.plain()),
        drawn=are_of_drawings(models),
    )


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
) -> tuple[Predicted, dict[str, list[str]]]:
    """Predictions with the level that quiet time sets, and sentences about it.

    Args:
        predicted: predictions without a level.
        quiet: stretch of each video, or another film.
        elsewhere: answers to the other film; None for a stretch.
    """
    models_levels = levels_of(predicted.job.models)
    stretch = None if isinstance(quiet, Path) else quiet
    where = f"in {quiet.name}" if isinstance(quiet, Path) else f"from {clock_time(quiet[0])} to {clock_time(quiet[1])}"
    answers, notes = {}, {}
    for key, answer in predicted.answers.items():
        found = neutral_levels([answer] if elsewhere is None else elsewhere, models_levels, stretch)
        answers[key] = hold_back(answer, {kind: one.level for kind, one in found.items()}, stretch)
        notes[key] = [f"{kind}: {one.sentence(where)}" for kind, one in found.items()]
    return replace(predicted, answers=answers), notes


def _printable_name(dataset: Any, name: str) -> str:
    """The name of a video, with bytes that are no letters written as numbers."""
    return escape_controls(dataset.shown_name(name))


def _find_tracks(settings: Mapping[str, Any], model: Model, progress: Progress) -> dict[str, FaceTracks]:
    """The region of each face in videos with several faces, by the video's name."""
    params = model.config.method_params
    crop = params.face() if isinstance(params, FaceParams) else FaceCrop()
    source: Any = registry.load_plugin("dataset", "folder")(resolve_dataset(settings).dataset_params["folder"])
    tracks_by_video = {}
    with progress.stage("faces", len(source.videos()), "videos") as advance:
        for video in source.videos():
            with suppress(Exception):  # the prediction reports unreadable videos; the others continue
                tracks = find_face_tracks(source.frames(video), crop.faces, video.fps or 25.0, video.key)
                if len(tracks.parts) + tracks.mixed > 1:
                    tracks_by_video[video.id] = tracks
            advance(video.n_frames or 0)
    return tracks_by_video


def _spotted_videos(
    predicted: Predicted,
    models: Sequence[Model],
    tracks_by_video: Mapping[str, FaceTracks] | None,
    own_rates: Mapping[Kind, float],
    more_notes: Mapping[str, Sequence[str]],
) -> Iterator[SpottedVideo]:
    """The faces of the predicted videos.

    Args:
        predicted: predictions.
        models: models that made them.
        tracks_by_video: followed faces by name of the video; None if only the largest face is followed.
        own_rates: false alarms a minute of the models without expressions, by kind.
        more_notes: further cautions by key of the video.
    """
    dataset: Any = predicted.dataset
    for video in predicted.job.test:
        answer = predicted.answers.get(video.key)
        if answer is None:
            continue
        name, _ = dataset.face(video)
        times = dataset.times(video)
        tracks = None if tracks_by_video is None else tracks_by_video.get(name, FaceTracks([], 0))
        path = dataset.place(video)
        # Places of missing images make times longer, not the rate wrong.
        shown = times if path.is_file() else np.arange(len(times)) / float(video.fps or 1)
        notes = (*_notes(video, shown, answer, models, tracks), *more_notes.get(video.key, ()))
        face = video.id[len(name) + 1 :]
        rates = tuple(_alarm_rates(answer, own_rates))
        yield SpottedVideo(_printable_name(dataset, name), face, path, video, times, answer, notes, rates)


def _alarm_rates(answer: Answer, own_rates: Mapping[Kind, float]) -> Iterator[AlarmRate]:
    """How often each kind was spotted, beside the models' own rate."""
    seconds = seen_seconds(answer)
    for kind in answer.curves:
        count = sum(prediction.kind == kind for prediction in answer.predictions)
        yield AlarmRate(kind, count, seconds, own_rates.get(kind))


def _models_in_words(models: Sequence[Model]) -> str:
    """Methods and run of some models, and their folds if they are a run's."""
    first = models[0]
    methods = " + ".join(filter(None, [first.config.method, first.config.recognizer]))
    if first.header:
        return f"{methods} of {first.name}"
    folds = f"{len(models)} folds together" if len(models) > 1 else f"fold {first.fold}"
    return f"{methods} of {first.name}: {folds}"


def _notes(
    video: Video, times: NDArray[np.float64], answer: Answer, models: Sequence[Model], tracks: FaceTracks | None
) -> Iterator[str]:
    """Cautions about an answer."""
    yield _on_rate(video, answer, models)
    fps = answer.timing.fps
    longer = fps * float(np.ptp(times)) / max(len(times) - 1, 1)
    if longer and abs(longer - 1) > FPS_TOLERANCE:
        yield f"seconds are those of the file, {longer:.4g} times the real ones"
    yield from _on_faces(answer, tracks)
    if answer.unseen:
        count = format_count(len(answer.unseen), "stretch", "stretches")
        seconds = sum(last - first + 1 for first, last in answer.unseen) / fps
        yield f"no face in sight in {count}, {seconds:.1f} s together: nothing is spotted there"
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
    lengths = {"k": timing.k, **{f"k' of {kind}-expressions": frames for kind, frames in timing.k_prime.items()}}
    durations = [f"{name} = {n} frames ({1000 * n / timing.fps:.0f} ms)" for name, n in lengths.items()]
    return f"{video.fps:.6g} frames a second{elsewhere}: {', '.join(durations)}"


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
    """The frames of a video, with a strip below for every followed face."""
    path = faces[0].path
    frames = FolderFrames(path) if path.is_dir() else VideoFrames(path, accept=True)
    strips: list[CurveStrip] = []
    for index in range(len(faces[0].times)):
        frame = frames[index]
        if not strips:  # their width is that of the first frame
            strips = [_strip_of(face, frame.shape[1], row) for row, face in enumerate(faces)]
        for strip in strips:
            frame = strip.draw(frame, index)
        yield frame


def _strip_of(face: SpottedVideo, width: int, row: int) -> CurveStrip:
    """The strip of a face, with the curve of its first kind."""
    curve = next(iter(face.answer.curves.values()))
    values = curve.scores if curve.smoothed is None else curve.smoothed
    return CurveStrip(width, values, face.spans(), row)


class CurveStrip:
    """A curve and its intervals, drawn below each frame of a video.

    Args:
        width: width of the frames, pixels.
        values: the curve, (n,); NaN leaves a gap.
        spans: first and last frame, both inclusive, kind and words of each interval.
        row: row of the words in the picture, from 0.
    """

    def __init__(
        self, width: int, values: NDArray[np.float64], spans: Sequence[tuple[int, int, Kind, str]], row: int = 0
    ) -> None:
        self._row = row
        self._n = max(len(values), 1)
        self._spans = spans
        self._height = max(48, width // 12)
        self._picture = np.full((self._height, width, 3), 24, np.uint8)
        for first, last, kind, _ in spans:
            left = int(first * width / self._n)
            right = int((last + 1) * width / self._n)
            self._picture[:, max(left, 0) : max(right, left + 1)] = _bgr(kind) // 2
        self._draw_curve(values)

    def _draw_curve(self, values: NDArray[np.float64]) -> None:
        """Draw the curve over the strip, with margins of 4 pixels."""
        is_known = np.isfinite(values)
        known = values[is_known]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        heights = 4 + ((self._height - 9) * (high - values) / ((high - low) or 1.0))
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
            self._write_words(image, ", ".join(words for _, words in now), first_kind)
        return image

    def _write_words(self, image: NDArray[np.uint8], words: str, kind: Kind) -> None:
        """Write a description into this strip's row, in the colour of a kind."""
        scale = max(image.shape[1] / 1280, 0.4)
        (wide, _), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
        scale *= min(1.0, (image.shape[1] - 24 * scale) / max(wide, 1))  # in small films the words stay inside
        place = (int(12 * scale), int(36 * scale * (1 + self._row)))
        for color, thick in (((0, 0, 0), 5), (_bgr(kind).tolist(), 2)):
            cv2.putText(image, words, place, cv2.FONT_HERSHEY_SIMPLEX, scale, color, max(1, round(thick * scale)))


def _bgr(kind: Kind) -> NDArray[np.uint8]:
    """The colour of a kind, (3,) in B, G, R order, lighter than on paper."""
    return np.array([min(part + 50, 255) for part in reversed(ImageColor.getrgb(COLORS[kind]))], np.uint8)
