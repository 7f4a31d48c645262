"""The published LBP-TOP features of two recordings of SMIC: recognition across recordings, without frames."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mebench.annotations import ClipFeatureDataset, FeatureClip, by_name, root_folder
from mebench.core import Published, Scheme
from mebench.core.types import THREE
from mebench.errors import DataError
from mebench.matlab import read_matlab

from .params import Params as _Params

RECORDINGS = {"smic_nir": "SMIC_NIR", "smic_vis": "SMIC_VIS"}
"""Names in the files, by the dataset's name in CDMER."""
CLIPS, NUMBERS = 71, 15045
UNKNOWN = "unknown"
"""The subject of every clip: the files do not say who is filmed."""


class CdmerLbpTop(ClipFeatureDataset):
    """The clips of both recordings; people are unknown, so nobody may test what another trained: all are one person."""

    Params = _Params
    feature, people = "lbp_top", "smic"
    schemes = by_name(Scheme("three", THREE, {f"{name}:{label}": label for name in RECORDINGS for label in THREE}))
    published = Published(
        source="the two files of the authors, 71 clips each", subjects=None, expressions={"micro": 2 * CLIPS}
    )
    remark = "the two recordings are the same 71 events filmed twice, and people are unknown"
    params: _Params

    def read_clips(self) -> Iterator[FeatureClip]:
        """The rows of both files, in their order."""
        for recording, (features, labels) in self._read_files().items():
            for number, (feature, label) in enumerate(zip(features, labels), start=1):
                yield FeatureClip(recording, UNKNOWN, f"clip{number:02d}", f"{recording}:{THREE[label]}", feature)

    def _read_files(self) -> dict[str, tuple[NDArray[np.float64], NDArray[np.int64]]]:
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
