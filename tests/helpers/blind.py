"""A dataset of which one subject shows no face: drawn faces, but frames of one dark shade for subject s002."""

PARAMS = """
from dataclasses import dataclass

from mebench.datasets.synthetic.params import Params as Drawn


@dataclass(frozen=True)
class Params(Drawn):
    blind: str = "s002"
"""
CODE = """
import numpy as np
from mebench.datasets.blind.params import Params as _Params
from mebench.datasets.synthetic.dataset import Synthetic


class Black:
    def __init__(self, frames, shade):
        self.frames, self.shade = frames, shade

    def __len__(self):
        return len(self.frames)

    def __getitem__(self, index):
        return np.full_like(self.frames[index], self.shade)

    def fingerprint(self):
        return f"black, shade {self.shade}"


class Blind(Synthetic):
    Params = _Params

    def frames(self, video):
        frames = super().frames(video)
        return Black(frames, int(video.subject[1:])) if self.params.blind in ("all", video.subject) else frames


Plugin = Blind
"""
SMALL = ("dataset.subjects=3", "dataset.videos=1", "dataset.frames=40", "dataset.size=96", "dataset.short_videos=true")


def blind_words(write_plugin, tmp_path):
    """Words of that dataset, everything written inside the test's own folder."""
    root = write_plugin("dataset", "blind", params=PARAMS, code=CODE, tasks="spot, recognize")
    return ["dataset=blind", *SMALL, f"plugins={root}", f"runs={tmp_path / 'runs'}", f"cache={tmp_path / 'store'}"]
