"""The published STLBP-IP features of CASME II: recognition without frames."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mebench.annotations import (
    Annotation,
    Cleaning,
    ClipFeatureDataset,
    FeatureClip,
    Header,
    Log,
    begin,
    by_name,
    need_table,
    read_row,
    read_sheets,
    root_folder,
    three_classes,
)
from mebench.core import Published, Scheme
from mebench.errors import DataError
from mebench.matlab import read_matlab

from .params import Params as _Params

FEATURES = "CASME2_feature_STLBP_IP.mat"
LABELS = "CASME2_label.mat"
SHEETS = "CASME2*.xls*"
NUMBERS = 2 * (256 + 59)
"""Of one block: patterns along columns and along rows, and uniform patterns of the images that both make over time."""
CLEANING = Cleaning(subject_digits=2, subject_prefix="sub", spellings={"other": "others", "happy": "happiness"})
FIVE = ("disgust", "happiness", "others", "surprise", "repression")
CODE = {
    **dict.fromkeys(("happiness", "sadness", "fear"), 0),
    "disgust": 1,
    "surprise": 2,
    "repression": 3,
    "others": 4,
}
"""The number of each label in the published file, which merges sadness and fear with happiness."""
NOT_MEGC2019 = {("04", "EP12_01f"): ("not_in_megc2019",), ("05", "EP09_05f"): ("not_in_megc2019",)}


class Casme2StlbpIp(ClipFeatureDataset):
    """The clips of CASME II in the published order; the feature of each is a published column."""

    Params = _Params
    feature, people = "stlbp_ip", "casme2"
    schemes = by_name(
        Scheme("five", FIVE, {label: label for label in FIVE}),
        three_classes("three", ("disgust", "repression")),
        three_classes("megc2019", ("disgust", "repression"), excluded=["not_in_megc2019"]),
    )
    published = Published(
        source="the 255 columns of the public file, in the order of the sheet of CASME II",
        subjects=26,
        expressions={"micro": 255},
    )
    params: _Params

    def read_clips(self) -> Iterator[FeatureClip]:
        """The clips in the sheet, each with its native label and its column."""
        root = root_folder(
            self.params.root,
            "casme2_stlbp_ip needs the folder of the features: give dataset.root=PATH. How to get them: mebench info casme2_stlbp_ip",
            f"one with {FEATURES} and {LABELS}",
        )
        sheets = [Path(self.params.annotations).expanduser()] if self.params.annotations else sorted(root.glob(SHEETS))
        if not sheets:
            raise DataError(
                f"no sheet of CASME II in dataset.root={self.params.root}: give dataset.annotations=CASME2-coding-20140508.xlsx, "
                "which names the clips in the order of the features"
            )
        clips = _clips_of_sheet(sheets[-1])
        features = _read(root / FEATURES, "feature", (NUMBERS, len(clips)))
        _check_order(clips, _read(root / LABELS, "label", (len(clips), 1)).ravel(), sheets[-1], root / LABELS)
        for clip, column in zip(clips, features.T):
            flags = NOT_MEGC2019.get((clip.subject, clip.video), ())
            yield FeatureClip("casme2_stlbp_ip", clip.subject, clip.video, clip.emotion or "", column, flags)


def _clips_of_sheet(sheet: Path) -> list[Annotation]:
    """The rows of clips with an emotion, in the order of the sheet."""
    table = need_table(read_sheets(sheet), Header(required=("subject", "video", "onset", "emotion")), file=sheet)
    ignored = Log(sheet.name)
    begin(table, ignored)
    rows = [read_row(row, table, CLEANING, ignored) for row in table.rows]
    clips = [row for row in rows if row is not None and row.emotion]
    if len({(clip.subject, clip.video) for clip in clips}) < len(clips):
        raise DataError(f"{sheet} names a clip twice: expected the published sheet, CASME2-coding-20140508.xlsx")
    return clips


def _read(file: Path, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """One matrix of a published file, of a row or column for each clip of the sheet.

    Raises:
        DataError: the file cannot be read, or holds something else.
    """
    try:
        return read_matlab(file, {name: shape})[name]
    except (OSError, ValueError) as error:
        raise DataError(
            f"{file} cannot be used: {error}. Expected a column or row for each clip with an emotion in the sheet, 255 as "
            "published: copy it again, and give the published sheet"
        ) from None


def _check_order(clips: Sequence[Annotation], codes: NDArray[np.float64], sheet: Path, file: Path) -> None:
    """Refuse a sheet in another order than the features, as far as labels show it.

    Raises:
        DataError: a clip whose label is another one in the published file.
    """
    for clip, code in zip(clips, codes):
        if CODE.get(clip.emotion or "") != code:
            raise DataError(
                f"{sheet} and {file.name} have another order or other labels: row {clip.row}, {clip.subject}/{clip.video}, is "
                f"{clip.emotion}, and the file has {code:g} there, expected {CODE.get(clip.emotion or '', 'none')}. Give the "
                "published sheet, CASME2-coding-20140508.xlsx, unsorted"
            )


Plugin = Casme2StlbpIp
