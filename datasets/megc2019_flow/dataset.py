"""The MEGC 2019 composite as ready-made flow maps: recognition without frames."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from mebench.annotations.flow_maps import SCHEME, Clips, clips_by_class, person, read_map, video_of
from mebench.core import Dataset, SubjectKey, Video
from mebench.errors import DataError

from .params import Params as _Params


class Megc2019Flow(Dataset):
    """Each clip is a video of one frame whose feature is the published map; there are no images."""

    Params = _Params
    tasks = frozenset({"recognize"})
    schemes = {"megc2019": SCHEME}  # noqa: RUF012  (a constant map)

    def videos(self) -> list[Video]:
        """The clips, sorted by key; each has one expression `[0, 0]` with its class."""
        return [video_of(clip, label) for clip, (label, _) in sorted(self._clips.items())]

    def check(self) -> None:
        """Check the folders of the maps."""
        self._clips  # noqa: B018  (says what is missing)

    def person(self, key: SubjectKey) -> SubjectKey:
        """The identity of a subject: a person of SMIC, CASME II or SAMM."""
        return person(key)

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """The map of a clip for the chain `onset_apex_flow_28`: (28, 28, 3) uint8, channels strain, v, u (OpenCV's
        order).
        """
        if name != "onset_apex_flow_28":
            return None
        return read_map(self._clips[video.dataset, video.subject, video.id][1])

    @cached_property
    def revision(self) -> str:  # type: ignore[override]
        """Hash of names, classes and contents of all maps, so that two labs can check that they have the same set."""
        digest = hashlib.sha256()
        for key, (label, file) in sorted(self._clips.items()):
            digest.update(f"{'/'.join(key)} {label} ".encode() + hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()[:16]

    @cached_property
    def _clips(self) -> Clips:
        return clips_by_class(self._root())

    def _root(self) -> Path:
        if self.params.root is None:
            raise DataError(
                "megc2019_flow needs the folder of the flow maps: give dataset.root=PATH. How to get them: mebench info megc2019_flow"
            )
        root = Path(self.params.root).expanduser()
        if not root.is_dir():
            raise DataError(
                f"dataset.root={self.params.root} is not a folder: expected one with <subject>/u_test/<0|1|2>/*.png"
            )
        return root

    @classmethod
    def write_fake_tree(cls, folder: Path) -> None:
        """Draw 24 maps of six subjects in the published layout."""
        from .fake import write

        write(folder)


Plugin = Megc2019Flow
