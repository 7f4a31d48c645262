"""The words of mebench and the two plugin contracts. `Method` brings torch along, so it is imported on use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mebench.core.chain import Chain, Level, Step
from mebench.core.dataset import Composite, Dataset, Frames, Renamed
from mebench.core.types import (
    ABSENT,
    KINDS,
    Distractor,
    Expression,
    Fold,
    Kind,
    Prediction,
    Published,
    Repair,
    Scheme,
    SubjectKey,
    Task,
    Timing,
    Unplaced,
    Video,
    number_at,
    stable_seed,
)
from mebench.core.views import ClipView, LabelledClip, LabelledVideo, VideoView, all_clips, stack

if TYPE_CHECKING:
    from mebench.core.method import Method, Stage

__all__ = [
    "ABSENT",
    "KINDS",
    "Chain",
    "ClipView",
    "Composite",
    "Dataset",
    "Distractor",
    "Expression",
    "Fold",
    "Frames",
    "Kind",
    "LabelledClip",
    "LabelledVideo",
    "Level",
    "Method",
    "Prediction",
    "Published",
    "Renamed",
    "Repair",
    "Scheme",
    "Stage",
    "Step",
    "SubjectKey",
    "Task",
    "Timing",
    "Unplaced",
    "Video",
    "VideoView",
    "all_clips",
    "number_at",
    "stable_seed",
    "stack",
]


def __getattr__(name: str) -> Any:
    if name in {"Method", "Stage"}:
        return getattr(import_module("mebench.core.method"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
