"""DFME: short clips, one micro-expression each, in a training set and two test sets with a sheet each."""

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from mebench.annotations import (
    OBJECTIVE,
    Annotation,
    Cleaning,
    Header,
    Layout,
    Log,
    Sheet,
    by_name,
    read_sheets,
    three_classes,
)
from mebench.annotations.layout import candidates, fold
from mebench.annotations.nested import NestedDataset
from mebench.core import Published, Scheme, SubjectKey
from mebench.errors import DataError

from .params import Params as _Params

SETS = {
    "train": re.compile("train", re.IGNORECASE),
    "test_A": re.compile(r"test[ _-]*A(?![a-z])", re.IGNORECASE),
    "test_B": re.compile(r"test[ _-]*B(?![a-z])", re.IGNORECASE),
}
"""The sets of the challenge, and the distinguishing parts of their sheets' names."""
LABELS = ("happiness", "anger", "contempt", "disgust", "fear", "sadness", "surprise", "others")


class Dfme(NestedDataset):
    """All sheets below the root are read as one; each row has its frame rate."""

    Params = _Params
    params: _Params
    id = "dfme"
    revision = "2"
    kinds = ("micro",)
    short_videos = True
    fps = 200.0
    files = ("*training*with_AU*.xls*", "*test*with_AU*.xls*", "*DFME*.xls*", "*train*.csv", "*test*.csv")
    signature = {"Filename": r"sub\d+_\d+", "OnsetFrame": ".*"}  # noqa: RUF012  (a constant map)
    forms = (Header(required=("subject", "video", "onset", "apex", "offset")),)  # a test set may have no emotions
    cleaning = Cleaning(spellings={"other": "others", "happy": "happiness", "sad": "sadness", "angry": "anger"})
    layout = Layout(
        example="DFME_train/sub0003_01/00109.png",
        folder="{video}",
        first=0,
        video_name=r"(?P<subject>sub\d+)_\d+",
    )
    schemes = by_name(
        Scheme.native(LABELS),
        Scheme.native(LABELS[:-1], "seven"),
        three_classes("three", ("anger", "contempt", "disgust", "fear", "sadness")),
        OBJECTIVE,
    )
    published = Published(
        source="the three sets of the challenge of CCAC 2024, as released", subjects=259, expressions={"micro": 2629}
    )
    published_whole = Published(
        source="Zhao et al. 2024 (arXiv 2301.00985)", subjects=None, expressions={"micro": 7526}
    )

    def __init__(self, params: _Params) -> None:
        super().__init__(params)
        self._sets: dict[str, str] = {}

    @cached_property
    def sheet_files(self) -> list[Path]:
        """The sheets of all sets, or the one that `dataset.annotations` names."""
        if self.params.annotations is not None:
            return [self.annotation_file]
        return candidates(self._tree_or_stop, self.files, *self.forms)

    def split(self, key: SubjectKey) -> str:
        """`train`, `test_A` or `test_B`, as the sheet that names the subject is called."""
        return self._sets.get(key.subject, "") if self.annotations else ""  # reading them fills the sets

    def read(self, sheets: Sequence[Sheet], log: Log) -> list[Annotation]:
        """The rows of all sheets, each expression once, of the chosen frame rate if any."""
        found, file_of = [], dict[tuple[str, str, int | None, int | None], str]()
        for path in self.sheet_files:
            every = super().read(read_sheets(path), log)
            rows = [a for a in every if _expression(a) not in file_of]  # a second download repeats the first
            if again := [file_of[_expression(a)] for a in every if _expression(a) in file_of]:
                reason = (
                    f"{len(again)} of its {len(every)} rows are in {' and '.join(dict.fromkeys(again))} "
                    "already: read once"
                )
                log.marked(None, "file", path.name, f"{reason}. Keep one copy of each sheet", altered=True)
            file_of |= {_expression(a): path.name for a in rows}
            name = next((name for name, called in SETS.items() if called.search(path.name)), "")
            for a in rows:
                if self._sets.setdefault(a.subject, name) != name:
                    log.marked(
                        a.row,
                        "Subject",
                        a.subject,
                        f"in two sets, {self._sets[a.subject]} and {name}: taken for the first",
                    )
            found += rows
        if len(found) > 2 * self.published.expressions["micro"]:
            self.published = self.published_whole
        log.where = ", ".join(path.name for path in self.sheet_files)
        if self.params.fps is None:
            return found
        chosen = [a for a in found if (a.fps or self.fps) == self.params.fps]
        if not chosen:
            rates = ", ".join(sorted({f"{a.fps or self.fps:g}" for a in found}))
            raise DataError(
                f"dataset.fps={self.params.fps}: no row of {log.where} has this rate. Choose one of {rates}"
            )
        log.marked(None, "Fps", str(self.params.fps), f"{len(found) - len(chosen)} rows of other rates are left out")
        return chosen

    @cached_property
    def _candidates(self) -> list[Path]:
        return self.sheet_files[:1]  # the others belong to it and are not alternatives


def _expression(a: Annotation) -> tuple[str, str, int | None, int | None]:
    """Key of an expression that is equal in two sheets, whatever their spelling of person and clip."""
    return fold(a.subject), fold(a.video), a.onset, a.offset


Plugin = Dfme
