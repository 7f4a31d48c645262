"""The published LBP-TOP features of CDMER: recognition across recordings, without frames."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mebench.annotations import ClipFeatureDataset, FeatureClip, by_name, root_folder
from mebench.core import Published, Scheme, SubjectKey
from mebench.core.types import THREE
from mebench.errors import DataError
from mebench.matlab import read_matlab

from .params import RECORDINGS, Params as _Params

FILES = {
    "casme2": ("CASME2", "CASME2"),
    "smic_hs": ("SMIC_HS", "SMIC"),
    "smic_nir": ("SMIC_NIR",) * 2,
    "smic_vis": ("SMIC_VIS",) * 2,
}
"""Name of each recording's file, and in it of its matrices, as the program loads them."""
FILMED_TWICE = frozenset({"smic_nir", "smic_vis"})
CLIPS, NUMBERS = 71, 15045
UNKNOWN = "unknown"
"""The subject of every clip: the files do not say who is filmed."""


class CdmerLbpTop(ClipFeatureDataset):
    """The clips of the recordings; people are unknown, so nobody may test what another trained: all of SMIC are one person."""

    Params = _Params
    feature, people = "lbp_top", "smic"
    schemes = by_name(Scheme("three", THREE, {f"{name}:{label}": label for name in RECORDINGS for label in THREE}))
    params: _Params

    def __init__(self, params: _Params) -> None:
        super().__init__(params)
        self.remark = "people are unknown"
        if set(params.recordings) >= FILMED_TWICE:
            self.remark = "the two recordings are the same 71 events filmed twice, and people are unknown"
        if set(params.recordings) == FILMED_TWICE:
            self.published = Published(
                source="the two files of the authors, 71 clips each", subjects=None, expressions={"micro": 2 * CLIPS}
            )

    def person(self, key: SubjectKey) -> SubjectKey:
        """The identity of a subject: the recordings of SMIC show the same people, CASME II others."""
        return SubjectKey("casme2" if key.dataset == "casme2" else self.people, key.subject)

    def read_clips(self) -> Iterator[FeatureClip]:
        """The rows of the files, in their order."""
        root = root_folder(
            self.params.root,
            "cdmer_lbp_top needs the folder of the features: give dataset.root=PATH. How to get them: mebench info cdmer_lbp_top",
            "one with SMIC_VIS_Corpus_LBPTOP.mat and SMIC_NIR_Corpus_LBPTOP.mat",
        )
        for recording in sorted(self.params.recordings):
            of_file, of_matrix = FILES[recording]
            file = root / f"{of_file}_Corpus_LBPTOP.mat"
            n_clips = CLIPS if recording in FILMED_TWICE else None
            feature, label = f"{of_matrix}_micro_feature", f"{of_matrix}_micro_label"
            try:
                found = read_matlab(file, {feature: (n_clips, NUMBERS), label: (n_clips, 1)})
            except (OSError, ValueError) as error:
                raise DataError(f"{file} cannot be used: {error}. Copy it again from the published set") from None
            features, labels = found[feature], _class_numbers(found[label].ravel(), str(file))
            if len(features) != len(labels):
                raise DataError(
                    f"{file} has {len(features)} clips and {len(labels)} labels: copy it again from the published set"
                )
            for number, (row, own) in enumerate(zip(features, labels, strict=True), start=1):
                digits = len(str(len(labels)))
                yield FeatureClip(recording, UNKNOWN, f"clip{number:0{digits}d}", f"{recording}:{THREE[own]}", row)


def _class_numbers(labels: NDArray[np.float64], file: str) -> NDArray[np.int64]:
    """Class numbers from 0.

    Raises:
        DataError: there are others than the three of the file.
    """
    if not np.isin(labels, (1, 2, 3)).all():
        raise DataError(f"{file} has labels other than 1, 2 and 3: copy it again from the published set")
    return labels.astype(np.int64) - 1


Plugin = CdmerLbpTop
