"""The published LBP-TOP features of two recordings of SMIC: recognition across recordings, without frames."""

import hashlib
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.annotations import by_name, root_folder
from mebench.core import Dataset, Expression, Published, Scheme, SubjectKey, Video
from mebench.core.types import THREE
from mebench.errors import DataError
from mebench.matlab import read_matlab

from .params import Params as _Params

RECORDINGS = {"smic_nir": "SMIC_NIR", "smic_vis": "SMIC_VIS"}
"""Names in the files, by the dataset's name in CDMER."""
FEATURE = "lbp_top"
CLIPS, NUMBERS = 71, 15045
UNKNOWN = "unknown"
"""The subject of every clip: the files do not say who is filmed."""


class CdmerLbpTop(Dataset):
    """Each clip is a video of one frame whose feature is a published row; there are no frames, and people are unknown."""

    Params = _Params
    tasks = frozenset({"recognize"})
    schemes = by_name(Scheme("three", THREE, {f"{name}:{label}": label for name in RECORDINGS for label in THREE}))
    published = Published(
        source="the two files of the authors, 71 clips each", subjects=None, expressions={"micro": 2 * CLIPS}
    )
    remark = "the two recordings are the same 71 events filmed twice, and people are unknown"
    params: _Params

    def videos(self) -> list[Video]:
        """The clips, sorted by key; each has one expression `[0, 0]` with its class."""
        clips = []
        for recording in RECORDINGS:
            for number, label in enumerate(self._matrices[recording][1], start=1):
                expression = Expression(0, 0, apex=0, emotion=f"{recording}:{THREE[label]}")
                clips.append(Video(recording, UNKNOWN, f"clip{number:02d}", None, 1, (expression,)))
        return clips

    def check(self) -> None:
        """Check both files."""
        self._matrices  # noqa: B018  (says what is missing)

    def person(self, key: SubjectKey) -> SubjectKey:
        """Identity of a subject: as both recordings show the same people, nobody may test what another trained."""
        return SubjectKey("smic", key.subject)

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """The feature of a clip for the chain `lbp_top`: one block, (1, 1, 15045)."""
        if name != FEATURE:
            return None
        row = self._matrices[video.dataset][0][int(video.id.removeprefix("clip")) - 1]
        block: NDArray[Any] = row.reshape(1, 1, NUMBERS).astype(np.float32)
        return block

    @cached_property
    def revision(self) -> str:  # type: ignore[override]
        """Hash of features and labels, so that two labs can check that they have the same set."""
        digest = hashlib.sha256()
        for recording in RECORDINGS:
            features, labels = self._matrices[recording]
            digest.update(np.ascontiguousarray(features, "<f8").tobytes() + labels.astype("<i8").tobytes())
        return digest.hexdigest()[:16]

    @cached_property
    def _matrices(self) -> dict[str, tuple[NDArray[np.float64], NDArray[np.int64]]]:
        """Features, (71, 15045), and class numbers from 0, (71,), of each recording."""
        root = root_folder(
            self.params.root,
            "cdmer_lbp_top needs the folder of the features: give dataset.root=PATH. How to get them: mebench info cdmer_lbp_top",
            "one with SMIC_VIS_Corpus_LBPTOP.mat and SMIC_NIR_Corpus_LBPTOP.mat",
        )
        matrices = {}
        for recording, name in RECORDINGS.items():
            file = root / f"{name}_Corpus_LBPTOP.mat"
            feature, label = f"{name}_micro_feature", f"{name}_micro_label"
            try:
                found = read_matlab(file, {feature: (CLIPS, NUMBERS), label: (CLIPS, 1)})
            except (OSError, ValueError) as error:
                raise DataError(f"{file} cannot be used: {error}. Copy it again from the published set") from None
            labels = found[label].ravel()
            if not np.isin(labels, (1, 2, 3)).all():
                raise DataError(f"{file} has labels other than 1, 2 and 3: copy it again from the published set")
            matrices[recording] = found[feature], labels.astype(np.int64) - 1
        return matrices


Plugin = CdmerLbpTop
