"""Is this copy of a dataset sound? Annotations, frames, counts, and a hash of the ground truth."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from mebench.core import Dataset
from mebench.inspection.annotation_checks import (
    TITLES,
    Finding,
    differing_counts,
    lost_rows,
    odd_annotations,
    published_counts,
    unprintable_names,
)
from mebench.inspection.dataset_summary import Summary, annotations_alone, has_frames, summarise
from mebench.inspection.frame_checks import check_video

THREADS = 4
"""Videos looked at at the same time: while one thread waits for the disk, others read."""


@dataclass(frozen=True)
class Verification:
    """What a look at one dataset brought to light.

    Attributes:
        summary: what it holds.
        frames: number of frames looked at.
        deep: whether they were decoded.
        counts: name -> (found, published); empty where nothing is compared.
        source: where the published counts stand.
        findings: in the order of `TITLES`, then of the videos.
        seconds: time spent on the frames.
    """

    summary: Summary
    frames: int
    deep: bool
    counts: dict[str, tuple[int, int]]
    source: str
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def errors(self) -> int:
        """Number of errors."""
        return sum(finding.level == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """Number of warnings."""
        return len(self.findings) - self.errors

    def sound(self, strict: bool = False) -> bool:
        """Whether there is no error and, with `strict`, no warning."""
        return not (self.findings if strict else self.errors)

    def plain(self) -> dict[str, Any]:
        """Plain data for JSON."""
        counts = {name: {"found": found, "published": said} for name, (found, said) in self.counts.items()}
        summary = self.summary.plain()
        return {
            "hash": summary.pop("hash"),
            "errors": self.errors,
            "warnings": self.warnings,
            "frames": self.frames,
            "deep": self.deep,
            "seconds": round(self.seconds, 3),
            "findings": [asdict(finding) for finding in self.findings],
            "counts": counts,
            "counts_source": self.source,
            "repairs": summary.pop("repairs"),
            "summary": summary,
        }


def verify(
    dataset: Dataset, deep: bool = False, counts: bool = True, tick: Callable[[int], object] | None = None
) -> Verification:
    """Check the annotations, every frame that they speak of, and the counts.

    Args:
        dataset: to look at; without a root only its annotations are.
        deep: decode every frame; else only the headers and ends of image files are read. Neither sees damage inside a JPEG,
            BMP, TIFF or WebP.
        counts: compare with the published counts.
        tick: is called after each video of `Dataset.videos`, with the number of its frames.

    Raises:
        DataError: the annotations are missing or cannot be read.
    """
    summary = summarise(dataset)
    annotated = dataset.as_annotated()
    findings = [Finding("error", "altered", "", str(repair)) for repair in summary.repairs if repair.altered]
    findings += unprintable_names(annotated, dataset.schemes.values())
    findings += [*odd_annotations(annotated), *lost_rows(dataset.unplaced(), annotated, dataset.videos())]
    compared: dict[str, tuple[int, int]] = {}
    if counts and dataset.published is not None:
        compared = published_counts(summary, dataset.published)
        findings += differing_counts(compared, dataset.published.source)
    frames, started = 0, time.perf_counter()
    if not has_frames(dataset):
        findings.append(Finding("warning", "no_frames", "", "this dataset has ready-made features and no frames"))
    elif annotations_alone(dataset):
        text = "only the annotations were looked at: add dataset.root=PATH for the frames"
        findings.append(Finding("warning", "no_frames", "", text))
    else:
        look = partial(check_video, dataset, repairs=summary.repairs, deep=deep)
        with ThreadPoolExecutor(THREADS) as pool:
            for n_frames, found in pool.map(look, dataset.videos()):
                frames += n_frames
                findings += found
                if tick is not None:
                    tick(n_frames)
    return Verification(
        summary,
        frames,
        deep,
        compared,
        dataset.published.source if compared and dataset.published else "",
        tuple(sorted(findings, key=lambda finding: list(TITLES).index(finding.check))),
        time.perf_counter() - started,
    )
