"""Both phases of the clips of the MEGC 2019 composite as ready-made flow maps: recognition without frames."""

import csv
import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from mebench.annotations.flow_maps import MEMBERS, SCHEME, ClipKey, clips_by_class, person, read_map, video_of
from mebench.core import Dataset, SubjectKey, Video
from mebench.errors import DataError
from mebench.files import read_plain

from .params import LABELS, LIST, MAPS, Params as _Params

ENDINGS = {
    "onset_apex_flow_28": "",
    "apex_offset_flow_28": "_1",
    "onset_apex_direction_28": "_2",
    "apex_offset_direction_28": "_3",
}
"""Features by name, and the suffixes of their files' names."""


class Megc2019TwoPhase(Dataset):
    """Each clip is a video of one frame whose four features are the published maps; there are no images."""

    Params = _Params
    tasks = frozenset({"recognize"})
    schemes = {"megc2019": SCHEME}  # noqa: RUF012  (a constant map)

    def videos(self) -> list[Video]:
        """The clips, sorted by key; each has one expression `[0, 0]` with its class."""
        return [video_of(clip, label) for clip, label in sorted(self._clips.items())]

    def person(self, key: SubjectKey) -> SubjectKey:
        """The identity of a subject: a person of SMIC, CASME II or SAMM."""
        return person(key)

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """A map of a clip, (28, 28, 3) uint8 in OpenCV's order, for a name of `ENDINGS`.

        Flow has the channels strain, v, u; direction is its angle as a hue, see `mebench.features.FlowDirection`.
        """
        return read_map(self._file(video.id, ENDINGS[name])) if name in ENDINGS else None

    @cached_property
    def revision(self) -> str:  # type: ignore[override]
        """Hash of names, classes and contents of all maps, so that two labs can check that they have the same set."""
        digest = hashlib.sha256()
        for key, label in sorted(self._clips.items()):
            digest.update(f"{'/'.join(key)} {label} ".encode())
            for ending in ENDINGS.values():
                digest.update(hashlib.sha256(read_plain(self._file(key[2], ending), 2**20)).digest())
        return digest.hexdigest()[:16]

    @cached_property
    def _clips(self) -> dict[ClipKey, int]:
        """Class number of each clip."""
        clips = self._listed()
        present = {file.stem.strip() for file in (self._root / MAPS).glob("*.png")}
        for name, ending in ENDINGS.items():
            if missing := sorted(clip for _, _, clip in clips if clip + ending not in present):
                raise DataError(
                    f"{name} is missing for {len(missing)} of {len(clips)} clips, the first is {missing[0]}: expected "
                    f"'{missing[0]}{ending} .png' in {self._root / MAPS}. Restore the files from the authors' repository"
                )
        if stray := sorted(present - {clip + ending for _, _, clip in clips for ending in ENDINGS.values()}):
            raise DataError(
                f"{stray[0]} belongs to no clip in {LIST}, one of {len(stray)} such maps: take list and maps from one version"
            )
        self._compare(clips)
        return clips

    def _listed(self) -> dict[ClipKey, int]:
        file = self._root / LIST
        try:
            lines = read_plain(file, 2**20).decode("utf-8-sig").splitlines()
            rows = [(row["dataset"], row["sub"], row["filename_o"], row["label"]) for row in csv.DictReader(lines)]
        except FileNotFoundError:
            raise DataError(
                f"{self._root} has no {LIST}: set dataset.root to the clone of the authors' repository"
            ) from None
        except (KeyError, UnicodeError, csv.Error) as error:
            raise DataError(f"{file} cannot be read ({error!r}): restore it from the authors' repository") from error
        clips = {(member, subject, f"{subject}_{name}"): label for member, subject, name, label in rows}
        for (member, subject, clip), label in clips.items():
            if member not in {name for _, name in MEMBERS} or label not in {"0", "1", "2"}:
                raise DataError(
                    f"{file}: clip {clip} of {member}/{subject} has the class {label!r}: expected 0, 1 or 2"
                )
        if len(clips) < len(rows) or not clips:
            raise DataError(
                f"{file} names {len(rows)} clips, {len(clips)} of them distinct: restore it from the authors' repository"
            )
        return {clip: int(label) for clip, label in clips.items()}

    def _compare(self, clips: dict[ClipKey, int]) -> None:
        """Refuse a list that differs in clips or classes from the folders by class."""
        folder = self._root / LABELS if self.params.classes is None else Path(self.params.classes).expanduser()
        if not folder.is_dir():
            if self.params.classes is None:
                return
            raise DataError(f"dataset.classes={self.params.classes} is not a folder: expected <subject>/u_test/<0|1|2>")
        filed = {clip: label for clip, (label, _) in clips_by_class(folder, "dataset.classes").items()}
        if apart := sorted(filed.keys() ^ clips.keys()):
            where, other = (folder, LIST) if apart[0] in filed else (LIST, folder)
            raise DataError(
                f"clip {'/'.join(apart[0])} is in {where} but not in {other}, one of {len(apart)} such clips: take "
                "both from one version"
            )
        if wrong := sorted(clip for clip in clips if clips[clip] != filed[clip]):
            raise DataError(
                f"clip {'/'.join(wrong[0])} has class {clips[wrong[0]]} in {LIST} and {filed[wrong[0]]} in {folder}, one of {len(wrong)} "
                "such clips: take both from one version, in which no folder was renamed"
            )

    def _file(self, clip: str, ending: str) -> Path:
        """The file of a map; its published name may end in a blank."""
        named = self._root / MAPS / f"{clip}{ending} .png"
        return named if named.is_file() else named.with_name(f"{clip}{ending}.png")

    @cached_property
    def _root(self) -> Path:
        if self.params.root is None:
            raise DataError(
                "megc2019_two_phase needs the authors' repository: give dataset.root=PATH. How to get it: mebench info megc2019_two_phase"
            )
        root = Path(self.params.root).expanduser()
        if not (root / MAPS).is_dir():
            raise DataError(
                f"dataset.root={self.params.root} has no folder {MAPS}: give the clone of the authors' repository"
            )
        return root

    @classmethod
    def write_fake_tree(cls, folder: Path) -> None:
        """Draw 96 maps of 24 clips of six subjects in the published layout."""
        from .fake import write

        write(folder)


Plugin = Megc2019TwoPhase
