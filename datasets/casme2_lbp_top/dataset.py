"""The published LBP-TOP histograms of CASME II: recognition without frames."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.annotations import (
    Cleaning,
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
from mebench.core import Dataset, Expression, Published, Repair, Scheme, SubjectKey, Video
from mebench.errors import DataError
from mebench.files import read_plain

from .params import Params as _Params

FOLDERS = {"magnified": "LBP_Magnified", "denoised": "LBP_Magnified_denoised"}
SHEETS = "CASME2*.xls*"
FEATURE = "lbp_top"
NUMBERS = 3 * 59
"""A bin for each uniform pattern of eight neighbours, on the planes XY, XT, YT."""
CLEANING = Cleaning(subject_digits=2, subject_prefix="sub", spellings={"other": "others", "happy": "happiness"})
FIVE = ("disgust", "happiness", "others", "surprise", "repression")
NOT_MEGC2019 = {("04", "EP12_01f"): ("not_in_megc2019",), ("05", "EP09_05f"): ("not_in_megc2019",)}


class Casme2LbpTop(Dataset):
    """Each clip is a video of one frame whose feature is the published histograms; there are no frames."""

    Params = _Params
    tasks = frozenset({"recognize"})
    schemes = by_name(
        Scheme("five", FIVE, {label: label for label in FIVE}),
        three_classes("three", ("disgust", "repression", "sadness", "fear")),
        three_classes("megc2019", ("disgust", "repression"), excluded=["not_in_megc2019"]),
    )
    published = Published(
        source="the 247 files of the authors' repository, of which the sheet of CASME II names 245",
        subjects=26,
        expressions={"micro": 245},
    )
    params: _Params

    def videos(self) -> list[Video]:
        """The clips in the sheet, sorted by key; each has one expression `[0, 0]` with its native label."""
        clips = []
        for (subject, clip), (emotion, _) in sorted(self._clips.items()):
            flags = NOT_MEGC2019.get((subject, clip), ())
            expression = Expression(0, 0, apex=0, emotion=emotion, flags=flags)
            clips.append(Video("casme2_lbp_top", subject, clip, None, 1, (expression,)))
        return clips

    def check(self) -> None:
        """Check histograms and sheet."""
        self._clips  # noqa: B018  (says what is missing)

    def person(self, key: SubjectKey) -> SubjectKey:
        """The identity of a subject: a person of CASME II."""
        return SubjectKey("casme2", key.subject)

    def repair_rows(self) -> tuple[Repair, ...]:
        """Histograms of clips that the sheet does not name: they are left out."""
        self._clips  # noqa: B018
        return tuple(self._log.repairs)

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """The histograms of a clip for the chain `lbp_top`: one block, (1, 1, 177), on the planes XY, XT and YT.

        Raises:
            DataError: its file does not contain 177 shares.
        """
        if name != FEATURE:
            return None
        file = self._clips[video.subject, video.id][1]
        try:
            shares = np.array(read_plain(file, 2**16).split(), np.float64)
        except (OSError, ValueError) as error:
            raise DataError(
                f"{file} cannot be read as numbers ({error}): copy it again from the published set"
            ) from None
        if shares.shape != (NUMBERS,) or not np.isfinite(shares).all() or (shares < 0).any():
            raise DataError(
                f"{file} holds {len(shares)} numbers: expected {NUMBERS} finite numbers "
                "of at least 0, one a line. Copy it again from the published set"
            )
        return shares.reshape(1, 1, NUMBERS).astype(np.float32)

    @cached_property
    def revision(self) -> str:  # type: ignore[override]
        """Hash of names, labels and contents, so that two labs can check that they have the same set."""
        digest = hashlib.sha256()
        for key, (emotion, file) in sorted(self._clips.items()):
            digest.update(f"{'/'.join(key)} {emotion} ".encode() + hashlib.sha256(read_plain(file, 2**16)).digest())
        return digest.hexdigest()[:16]

    @cached_property
    def _log(self) -> Log:
        return Log("clips")

    @cached_property
    def _clips(self) -> dict[tuple[str, str], tuple[str, Path]]:
        """Label and file of each clip, by subject and name."""
        root = root_folder(
            self.params.root,
            "casme2_lbp_top needs the folder of the histograms: give dataset.root=PATH. How to get them: mebench info casme2_lbp_top",
            f"one with {FOLDERS[self.params.clips]}/sub01_EP02_01f.txt",
        )
        folder = root / FOLDERS[self.params.clips]
        if not folder.is_dir():
            raise DataError(
                f"dataset.root={self.params.root} has no folder {folder.name}: expected {folder.name}/sub01_EP02_01f.txt in it"
            )
        sheets = [Path(self.params.annotations).expanduser()] if self.params.annotations else sorted(root.glob(SHEETS))
        if not sheets:
            raise DataError(
                f"no sheet of CASME II in dataset.root={self.params.root}: give dataset.annotations=CASME2-coding-20140508.xlsx, "
                "which holds the labels"
            )
        table = need_table(
            read_sheets(sheets[-1]), Header(required=("subject", "video", "onset", "emotion")), file=sheets[-1]
        )
        ignored = Log(sheets[-1].name)
        begin(table, ignored)
        rows = [read_row(row, table, CLEANING, ignored) for row in table.rows]
        labels = {(row.subject, row.video): row.emotion for row in rows if row is not None and row.emotion}
        clips = {}
        for file in sorted(folder.glob("[!.]*.txt")):
            subject, _, clip = file.stem.removeprefix("sub").partition("_")
            if (emotion := labels.get((subject, clip))) is not None:
                clips[subject, clip] = emotion, file
            else:
                self._log.marked(None, "video", f"{subject}/{clip}", f"{sheets[-1].name} does not name it: left out")
        if not clips:
            raise DataError(
                f"{sheets[-1]} names none of the clips in {folder}: expected rows such as subject 01, file EP02_01f, for "
                "sub01_EP02_01f.txt"
            )
        return clips


Plugin = Casme2LbpTop
