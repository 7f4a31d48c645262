"""Published features of long videos: spotting without frames."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from numpy.typing import NDArray

from mebench.annotations import Log, root_folder
from mebench.core import Dataset, Expression, Kind, Repair, Scheme, SubjectKey, Video
from mebench.errors import DataError
from mebench.features import MOTION
from mebench.features.maps import MOTION_18
from mebench.files import file_hash

from . import readers
from .params import Params as _Params
from .readers import FPS, I3D, STEPS, Series
from .truth import Name, Truth, read_truth

SLACK = 60
"""Tolerated difference in frames between features and list: windows and flow leave out the end of a video."""
LASTING = {"micro": (0.1, 0.7), "macro": (0.5, 5.0)}
"""Seconds between which the median expression lasts in every public list: .39 to .47, and 1.1 to 1.8."""
NEAR = 3
"""Frames that an onset of a list lies at most from one that the segments of `abpn` label."""
WRONG = (
    "features and list have other frame rates, or are of other recordings: give the list that the features were made with, or "
    "dataset.step and dataset.sheet_step, frames of the recording for each frame of the features and for each number of the list"
)
EXPECTED = {
    "abpn": "segments such as train/samm_006/samm_006_1_0000.npz",
    "me_tst": "cache/SAMMLV_dataset.pkl or cache/CASME_3_dataset_1.pkl to 5",
    "boosting_vrme": "cache/SAMMLV_dataset.pkl or cache/CASME_3_dataset_1.pkl to 5",
    "spotformer": "arrays such as samm_006/samm_006_1.npy",
    "lgsnet": "files such as s15/15_0101disgustingteeth-rgb.npz",
}
FEATURES = {"lgsnet": I3D, "boosting_vrme": MOTION_18}
"""Names of the features of layouts that have no motion of twelve regions."""
OF_SHEETS = ("me_tst", "boosting_vrme")
"""Layouts whose windows have no names of videos, and whose authors read the released sheets."""


class LongVideoFeatures(Dataset):
    """Each video has the frames that its features count, and no pictures: motion of regions, or I3D features of every
    other frame.
    """

    Params = _Params
    tasks = frozenset({"spot"})
    kinds: tuple[Kind, ...] = ("micro", "macro")
    schemes = {"native": Scheme.native(["unknown"])}  # noqa: RUF012  (a constant map)
    params: _Params

    def __init__(self, params: _Params) -> None:
        super().__init__(params)
        said = f"features published with {params.layout}, scored in their frames, {self._fps:.4g} per second"
        self.remark = "; ".join(filter(None, [self.remark, said]))

    @property
    def _step(self) -> float:
        p = self.params
        return p.step or STEPS.get((p.layout, p.of), 1.0)

    @property
    def _fps(self) -> float:
        return FPS[self.params.of] / self._step

    def videos(self) -> list[Video]:
        """All videos, sorted by key; frames are those of the features."""
        return self._videos

    def check(self) -> None:
        """Check features and truth."""
        self._videos  # noqa: B018  (says what is missing)

    def person(self, key: SubjectKey) -> SubjectKey:
        """The identity of a subject: a person of the recordings."""
        return SubjectKey("samm" if self.params.of == "samm_lv" else self.params.of, key.subject)

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """Motion of regions from each frame to the next, or I3D features; else None.

        Their shapes are (n_frames - 1, 12 or 18, 1, 2) and (rows, channels).
        """
        if name != FEATURES.get(self.params.layout, MOTION):
            return None
        return self._series[video.subject, video.id].read()

    def repair_rows(self) -> tuple[Repair, ...]:
        """Repairs of the list, and the videos that it does not name."""
        self._videos  # noqa: B018
        return tuple(self._log.repairs)

    @cached_property
    def revision(self) -> str:  # type: ignore[override]
        """Hash of expressions and contents, so that two labs can check that they have the same set."""
        digest = hashlib.sha256()
        for video in self._videos:
            digest.update(f"{video.subject}/{video.id} {video.n_frames} {video.fps} {video.expressions}".encode())
        files = {file for video in self._videos for file in self._series[video.subject, video.id].files}
        for content in sorted(file_hash(file) for file in files):
            digest.update(content.encode())
        return digest.hexdigest()[:16]

    # -- reading ------------------------------------------------------------------------------------------------------------

    @cached_property
    def _log(self) -> Log:
        return Log("features")

    @cached_property
    def _root(self) -> Path:
        return root_folder(
            self.params.root,
            "long_video_features needs the folder of the features: give dataset.root=PATH. Where to get them: mebench info "
            "long_video_features",
            f"{EXPECTED[self.params.layout]} in it",
        )

    @cached_property
    def _truth(self) -> Truth | None:
        if self.params.truth is None:
            return None
        return read_truth(Path(self.params.truth).expanduser(), self.params.of, self._log)

    @cached_property
    def _series(self) -> Mapping[Name, Series]:
        layout, root, truth = self.params.layout, self._root, self._truth
        if layout in OF_SHEETS:
            if truth is None:
                raise DataError(
                    "the windows of ME-TST and BoostingVRME are stored without the names of their videos, which come from a list of "
                    "expressions: give dataset.truth=PATH, such as samm_annotation.csv of LGSNet's repository"
                )
            found = readers.me_tst(
                root,
                self.params.of,
                [name for name, rows in truth.rows.items() if any(a.kind == "micro" for a in rows)],
                layout,
            )
        else:
            found = {"abpn": readers.abpn, "spotformer": readers.spotformer, "lgsnet": readers.lgsnet}[layout](
                root, self.params.of
            )
        if not found:
            raise DataError(
                f"dataset.root={self.params.root} holds no features of dataset.layout={layout}: expected {EXPECTED[layout]}"
            )
        return found

    @cached_property
    def _videos(self) -> list[Video]:
        videos = []
        for name, series in sorted(self._series.items()):
            if (expressions := self._expressions(name, series)) is not None:
                videos.append(Video("long_video_features", *name, self._fps, series.n_frames, tuple(expressions)))
        if not videos:
            raise DataError(
                f"dataset.truth names none of the videos in dataset.root={self.params.root}: give the list of the recordings "
                f"dataset.of={self.params.of}"
            )
        if self._truth is not None:
            for _, video in sorted(self._truth.rows.keys() - self._series.keys()):
                self._log.marked(None, "video", video, "the list names it, and there are no features of it: left out")
            self._compare(videos, self._truth.where)
        return videos

    def _compare(self, videos: list[Video], where: str) -> None:
        """Check lengths, and the labels of segments: most lists give no numbers of frames.

        Raises:
            DataError: the list counts other frames.
        """
        for kind, (least, most) in LASTING.items():
            seconds = [e.length / self._fps for v in videos for e in v.expressions if e.kind == kind]
            if seconds and not least < median(seconds) < most:
                raise DataError(
                    f"the median {kind}-expression of {where} would last {median(seconds):.2g} s, expected {least:g} to {most:g} s: {WRONG}"
                )
        listed = labelled = 0
        for video in videos:
            try:
                spans = self._series[video.subject, video.id].spans
                own = spans() if spans else []
            except DataError:  # segments without labels, or with labels that cannot be told apart
                continue
            onsets = {(kind, onset + by) for kind, onset, *_ in own for by in range(-NEAR, NEAR + 1)}
            listed += len(video.expressions) if own else 0
            labelled += sum((e.kind, e.onset) in onsets for e in video.expressions)
        if labelled < listed / 2:
            raise DataError(
                f"{listed - labelled} of {listed} expressions of {where} begin elsewhere than the labels of the segments: {WRONG}"
            )

    def _expressions(self, name: Name, series: Series) -> list[Expression] | None:
        """The expressions of a video in its frames, by onset; None for a video that is left out."""
        truth = self._truth
        if truth is None:
            if series.spans is None:
                raise DataError(
                    f"the features of dataset.layout={self.params.layout} do not say where expressions are: give dataset.truth=PATH, a "
                    "list of them. Which are public: mebench info long_video_features"
                )
            own = [Expression(a, b, kind=kind, apex=p) for kind, a, p, b in series.spans()]  # type: ignore[arg-type]
            return sorted(own, key=lambda e: e.onset)
        if name not in truth.rows:
            if self.params.unnamed == "refuse":
                raise DataError(
                    f"{truth.where} does not name {name[1]}, which has features: give a list that names it, or set "
                    "dataset.unnamed=empty if it shows no expression, or dataset.unnamed=left_out to leave it out"
                )
            self._log.marked(
                None, "video", name[1], f"the list does not name it: {self.params.unnamed.replace('_', ' ')}"
            )
            return [] if self.params.unnamed == "empty" else None
        return self._placed(name, series, truth)

    def _placed(self, name: Name, series: Series, truth: Truth) -> list[Expression]:
        p, n = self.params, series.n_frames
        own = p.layout in ("abpn", "spotformer")
        ratio = self._step / (p.sheet_step or (1.0 if p.layout in OF_SHEETS else self._step))
        first = p.first if p.first is not None else 0 if own else 1
        said = truth.n_frames.get(name)
        if said is not None and abs(said / ratio - n) > SLACK + 0.02 * n:
            raise DataError(
                f"{name[1]} has features of {n} frames, and {truth.where} says {said}, which would be {said / ratio:.0f} of them: {WRONG}"
            )
        found = []
        for a in truth.rows[name]:
            if a.onset is None or a.offset is None:
                continue
            onset, offset = (max(int((x - first) / ratio + 1e-6), 0) for x in (a.onset, a.offset))
            if offset >= n + SLACK + 0.02 * n:
                raise DataError(
                    f"{name[1]} has features of {n} frames, and an expression of {truth.where} ends at frame {offset} of them: {WRONG}"
                )
            if onset >= n:
                self._log.marked(
                    a.row, "onset", str(a.onset), f"after the last frame of the features of {name[1]}: left out"
                )
                continue
            offset = min(offset, n - 1)
            apex = None if a.apex is None else min(int((a.apex - first) / ratio + 1e-6), offset)
            found.append(Expression(onset, offset, kind=a.kind, apex=apex, action_units=a.units, flags=a.flags))
        return sorted(found, key=lambda e: e.onset)


Plugin = LongVideoFeatures
