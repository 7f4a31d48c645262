"""Intervals spotted in a user's videos: as tables, for ELAN, as a page with timelines, and drawn into the videos."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
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
from mebench.errors import DataError, refused_by_system
from mebench.exchange.eaf import EMOTION, Mark, Tier, write_eaf
from mebench.exchange.write import write_rows
from mebench.features import FaceCrop, FaceParams
from mebench.features.face_tracks import FaceTracks, find_face_tracks
from mebench.files import write_text
from mebench.frames import FolderFrames, VideoFrames
from mebench.frames.videofile import write_video
from mebench.grouping import grouped
from mebench.inference.models import Model
from mebench.inference.predict import Answer, predict_all
from mebench.inspection.soundness import FPS_TOLERANCE
from mebench.json_output import write_json
from mebench.lazy_imports import load_lazily
from mebench.progress import Progress
from mebench.reports.report import template_environment
from mebench.reports.timeline import COLORS, Lane, Span, Timeline, Track, clock_time, edges_of, unit_lanes
from mebench.spotting import stretches
from mebench.terminal import format_count

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
    """

    name: str
    face: str
    path: Path
    video: Video
    times: NDArray[np.float64]
    answer: Answer
    notes: tuple[str, ...]

    @cached_property
    def ends(self) -> list[float]:
        """Seconds at which each frame ends."""
        return [float(end) for end in edges_of(self.times, self.video.fps)[1:]]

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.ends[-1] - float(self.times[0])

    def intervals(self) -> pd.DataFrame:
        """`COLUMNS`: frames with the numbers of image files, else from 0; times in seconds from the frames' own time
        stamps.

        Both ends are inclusive: `offset_s` is when the last frame is first shown.
        """
        last, rows = len(self.times) - 1, []
        for p in sorted(self.answer.predictions, key=lambda p: (p.onset, p.kind)):
            frames = [min(max(frame, 0), last) for frame in (p.onset, p.apex, p.offset)]
            rows.append(
                (
                    self.video.subject,
                    self.name,
                    self.face,
                    p.kind,
                    *(number_at(frame, self.video.first, self.video.numbers) for frame in frames),
                    *(round(float(self.times[frame]), 6) for frame in frames),
                    p.confidence,
                    p.emotion or "",
                )
            )
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def spans(self) -> list[tuple[int, int, Kind, str]]:
        """First and last frame of each interval within the video, from 0, its kind, and a description."""
        items = [
            (p, filter(None, [self.face, p.kind, p.emotion, f"{p.confidence:.3g}"])) for p in self.answer.predictions
        ]
        return [(max(p.onset, 0), min(p.offset, len(self.times) - 1), p.kind, " ".join(words)) for p, words in items]

    def tiers(self) -> list[Tier]:
        """For ELAN: a tier for each kind, with confidences, and a tier of emotions if the models name them."""
        marks: dict[str, list[Mark]] = {kind: [] for kind in self.answer.curves}
        for (first, last, kind, _), p in zip(self.spans(), self.answer.predictions):
            begin, end = round(1000 * float(self.times[first])), round(1000 * self.ends[last])
            marks[kind].append(Mark(begin, end, f"{p.confidence:.6g}"))
            if p.emotion is not None:
                marks.setdefault(EMOTION, []).append(Mark(begin, end, p.emotion))
        return [
            Tier(f"{name}@{self.face}" if self.face else name, tuple(marks_of), "mebench", self.face)
            for name, marks_of in marks.items()
        ]

    def timeline(self) -> Timeline:
        """The curves and intervals."""
        answer, last = self.answer, len(self.times) - 1

        ranks = pd.Series([p.confidence for p in answer.predictions], dtype=float).rank(pct=True)
        spans: dict[Kind, list[Span]] = {kind: [] for kind in answer.curves}
        for (onset, offset, kind, words), p, rank in zip(self.spans(), answer.predictions, ranks):
            text = f"{words}: {clock_time(float(self.times[onset]))} to {clock_time(self.ends[offset])}"
            spans[kind].append(Span(onset, offset, text, min(max(p.apex, 0), last), strength=float(rank)))
        named = [(Span(a, b, ""), p.emotion, None) for (a, b, _, _), p in zip(self.spans(), answer.predictions)]
        lanes = [*(Lane(kind, of_kind, kind, spotted=True) for kind, of_kind in spans.items()), *unit_lanes(named)]
        hidden = [
            (a, b, f"no face in sight from {clock_time(float(self.times[a]))} to {clock_time(self.ends[b])}")
            for a, b in answer.unseen
        ]
        fps, first = self.video.fps, None if self.video.numbers else self.video.first
        steady = fps and np.allclose(self.times, np.arange(last + 1) / fps, rtol=0, atol=5e-4)
        tracks = [Track("", answer.curves, lanes)]
        return Timeline(self.title, last + 1, fps, tracks, (), None if steady else self.times, first, hidden)

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
            "intervals": self.intervals().drop(columns=["subject", "video", "face"]).to_dict("records"),
        }


@dataclass(frozen=True)
class SpottedVideos:
    """Intervals spotted in some videos.

    Attributes:
        model: description of the models.
        videos: each face of each predicted video, by name.
        failed: reasons for the failed videos, by name.
        notes: remarks on files.
        account: number of files that were given and taken, and those left out with their reasons.
    """

    model: str
    videos: tuple[SpottedVideo, ...]
    failed: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    account: tuple[dict[str, Any], ...] = ()

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
            table, files = self.intervals, [made / name for name in ("intervals.csv", "intervals.json", "report.html")]
            columns = [c for c in COLUMNS if c not in ("face", "emotion") or (table[c] != "").any()]
            write_rows(files[0], columns, iter(table[columns].astype(object).values.tolist()))
            write_json(self.plain(), str(files[1]))
            write_text(files[2], self.page())
            of_videos = grouped(self.videos, key=lambda video: video.name)
            for name, faces in of_videos.items():
                media = faces[0].path if faces[0].path.is_file() else None
                file_name = name.replace("/", "_")
                files.append(made / ("intervals.eaf" if len(of_videos) == 1 else f"{file_name}.eaf"))
                write_eaf(files[-1], media, faces[0].video.fps, [tier for face in faces for tier in face.tiers()])
                if overlay:
                    files.append(made / ("overlay.mp4" if len(of_videos) == 1 else f"{file_name}.overlay.mp4"))
                    with (progress or Progress()).waiting(f"drawing {files[-1].name}"):
                        write_video(files[-1], _overlaid(faces), faces[0].times)
            return [file.replace(out / file.name) for file in files]

    def page(self) -> str:
        """A page with the timelines that needs no other file and no network; it contains no picture of a person."""
        return template_environment().get_template("spotted.html").render(spotted=self, caution=CAUTION)


def spot_videos(
    paths: Sequence[Path],
    models: Sequence[Model],
    *,
    faces: Faces = "largest",
    fps: float | None = None,
    damaged: str = "refuse",
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
        workers: processes; None for all cores.
        progress: reports the progress.

    Raises:
        MebenchError: no video can be read or predicted.
    """
    progress = progress or Progress()
    settings: dict[str, Any] = {
        "dataset": "folder",
        "dataset.videos": [str(path) for path in paths],
        "dataset.follow_links": True,  # the videos are named one by one, and so are links
        **({} if fps is None else {"dataset.fps": fps}),
        **({} if damaged == "refuse" else {"dataset.damaged": damaged}),
    }
    tracks_by_video = dict[
        str, FaceTracks
    ]()  # the region of each face in videos with several faces, by the video's name
    if faces == "all":
        params = models[0].config.method_params
        crop = params.face() if isinstance(params, FaceParams) else FaceCrop()
        source: Any = registry.load_plugin("dataset", "folder")(resolve_dataset(settings).dataset_params["folder"])
        with progress.stage("faces", len(source.videos()), "videos") as advance:
            for video in source.videos():
                with suppress(DataError):  # the prediction reports unreadable videos; the others continue
                    tracks = find_face_tracks(source.frames(video), crop.faces, video.fps or 25.0, video.key)
                    if len(tracks.parts) + tracks.mixed > 1:
                        tracks_by_video[video.id] = tracks
                advance(video.n_frames or 0)
    if parts := [[name, *part] for name, tracks in tracks_by_video.items() for part in tracks.parts]:
        settings["dataset.faces"] = parts
    predicted = predict_all(models, resolve_dataset(settings), workers, progress, look=True)
    dataset: Any = predicted.dataset
    answers, failed, videos = predicted.answers, predicted.failed, []
    for video in predicted.job.test:
        if video.key in answers:
            path, (name, _), times = dataset.place(video), dataset.face(video), dataset.times(video)
            mixed = tracks_by_video.get(name, FaceTracks([], 0)) if faces == "all" else None
            # Places of missing images make times longer, not the rate wrong.
            shown = times if path.is_file() else np.arange(len(times)) / float(video.fps or 1)
            notes = tuple(_notes(video, shown, answers[video.key], models, mixed))
            face = video.id[len(name) + 1 :]
            videos.append(SpottedVideo(dataset.shown_name(name), face, path, video, times, answers[video.key], notes))
    ids, first = {video.key: video.id for video in predicted.job.test}, models[0]
    methods = " + ".join(filter(None, [first.config.method, first.config.recognizer]))
    which = f"{len(models)} folds together" if len(models) > 1 else f"fold {first.fold}"
    return SpottedVideos(
        f"{methods} of {first.name}{'' if first.header else f': {which}'}",
        tuple(videos),
        {dataset.shown_name(ids.get(key, key.rpartition("/")[2])): reason for key, reason in failed.items()},
        tuple(dataset.repairs()),
        tuple(dataset.account.plain()),
    )


def _notes(
    video: Video, times: NDArray[np.float64], answer: Answer, models: Sequence[Model], tracks: FaceTracks | None
) -> Iterator[str]:
    """Cautions about an answer."""
    timing = answer.timing
    trained = sorted({float(timing["fps"]) for model in models for timing in model.timings if timing["fps"]})
    rates = " and ".join(f"{rate:g}" for rate in trained)
    named = {"k": timing.k, **{f"k' of {kind}-expressions": frames for kind, frames in timing.k_prime.items()}}
    durations = [f"{name} = {n} frames ({1000 * n / timing.fps:.0f} ms)" for name, n in named.items()]
    yield (
        f"{video.fps:.6g} frames a second{'' if trained in ([], [video.fps]) else f', where the models were trained at {rates}'}: "
        f"{', '.join(durations)}"
    )
    longer = timing.fps * float(np.ptp(times)) / max(len(times) - 1, 1)
    if longer and abs(longer - 1) > FPS_TOLERANCE:
        yield f"seconds are those of the file, {longer:.4g} times the real ones"
    if answer.faces > 1 and tracks is None:
        yield f"{answer.faces} faces are seen, and the largest is followed: --faces all spots in each face separately"
    elif tracks is not None and tracks.mixed:
        rest = f"{tracks.mixed} left out" if tracks.parts else "the largest is followed"
        yield f"of {len(tracks.parts) + tracks.mixed} faces {rest}: one comes where another was, as they or the camera move"
    if answer.unseen:
        stretches = format_count(len(answer.unseen), "stretch", "stretches")
        seconds = sum(last - first + 1 for first, last in answer.unseen) / timing.fps
        yield f"no face in sight in {stretches}, {seconds:.1f} s together: nothing is spotted there"


def _overlaid(faces: Sequence[SpottedVideo]) -> Iterator[NDArray[np.uint8]]:
    """The frames of a video, with a strip below for every followed face."""
    path = faces[0].path
    frames = FolderFrames(path) if path.is_dir() else VideoFrames(path, accept=True)
    strips = list[CurveStrip]()
    for index in range(len(faces[0].times)):
        frame = frames[index]
        for row, face in enumerate(faces if not strips else ()):
            curve = next(iter(face.answer.curves.values()))
            values = curve.scores if curve.smoothed is None else curve.smoothed
            strips.append(CurveStrip(frame.shape[1], values, face.spans(), row))
        for strip in strips:
            frame = strip.draw(frame, index)
        yield frame


class CurveStrip:
    """A curve and its intervals, drawn at the bottom of each frame of a video, with a line at the current frame.

    Args:
        width: width of the frames, pixels.
        values: the curve, (n,); NaN leaves a gap.
        spans: first and last frame, both inclusive, kind and words of each interval.
        row: row of the words in the picture, from 0.
    """

    def __init__(
        self, width: int, values: NDArray[np.float64], spans: Sequence[tuple[int, int, Kind, str]], row: int = 0
    ) -> None:
        self._row, self._n, self._spans, self._height = row, max(len(values), 1), spans, max(48, width // 12)
        picture = np.full((self._height, width, 3), 24, np.uint8)
        for first, last, kind, _ in spans:
            left, right = (int(place * width / self._n) for place in (first, last + 1))
            picture[:, max(left, 0) : max(right, left + 1)] = _bgr(kind) // 2
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        heights = 4 + ((self._height - 9) * (high - values) / ((high - low) or 1.0))
        places = (np.arange(len(values)) + 0.5) * width / self._n
        for first, last in stretches(np.isfinite(values)):
            points = np.stack([places, heights], axis=1)[first : last + 1].astype(np.int32)
            cv2.polylines(picture, [points], False, (235, 235, 235), 1, cv2.LINE_AA)
        self._picture = picture

    def draw(self, frame: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
        """Frame `index` (H, W, 3) in B, G, R order with the strip below it, (H + strip, W, 3), and the description of
        its interval.
        """
        strip = self._picture.copy()
        at = int((index + 0.5) * strip.shape[1] / self._n)
        cv2.line(strip, (at, 0), (at, self._height), (255, 255, 255), 2)
        image = np.concatenate([frame, strip])
        now = [(kind, words) for first, last, kind, words in self._spans if first <= index <= last]
        scale = max(strip.shape[1] / 1280, 0.4)
        if now:
            place, words = (int(12 * scale), int(36 * scale * (1 + self._row))), ", ".join(text for _, text in now)
            for color, thick in (((0, 0, 0), 5), (_bgr(now[0][0]).tolist(), 2)):
                cv2.putText(image, words, place, cv2.FONT_HERSHEY_SIMPLEX, scale, color, max(1, round(thick * scale)))
        return image


def _bgr(kind: Kind) -> NDArray[np.uint8]:
    """The colour of a kind, (3,) in B, G, R order, lighter than on paper."""
    return np.array([min(part + 50, 255) for part in reversed(ImageColor.getrgb(COLORS[kind]))], np.uint8)
