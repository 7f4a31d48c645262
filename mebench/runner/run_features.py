"""The features that a run reads: their chains, and the store that has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mebench.annotations.accounting import notes_on_frames
from mebench.config.settings import PlaceSettings
from mebench.core import Chain, Video
from mebench.errors import ConfigError, DataError
from mebench.features import FaceCrop, FeatureStore
from mebench.features.gray_frames import has_color
from mebench.finding import Finding
from mebench.runner.fold_source import DatasetSource
from mebench.runner.inputs import RunCode
from mebench.runner.run_data import RunData
from mebench.sandbox.grant import Grant

FLOW = "mebench.features.tvl1:load_compiled_flow()"
"""The preparation of the first flow. It takes one second, or ten where it is the first on this machine."""


@dataclass(frozen=True)
class RunFeatures:
    """The features of a run; nothing of the methods' settings beyond the chains that they ask for.

    Attributes:
        data: data of the run.
        chains: the distinct chains that any fold reads, by group of videos.
        store: store of the run.
    """

    data: RunData
    chains: Mapping[str, tuple[Chain, ...]]
    store: FeatureStore

    @cached_property
    def computed(self) -> dict[str, tuple[Chain, ...]]:
        """The chains that are computed, since the dataset does not provide them, by group.

        Raises:
            ConfigError: there are some, and the dataset has no frames.
        """
        data = self.data
        examples = {data.groups[video.key]: video for video in reversed(data.videos)}
        computed = {
            group: tuple(chain for chain in chains if data.dataset.provided(examples[group], chain.name) is None)
            for group, chains in self.chains.items()
        }
        for group, chains in computed.items():
            dataset, id_ = data.find_home(examples[group])
            names = [chain.name for chain in chains if chain.steps]
            if names and not dataset.has_frames:
                raise ConfigError(
                    f"dataset={id_} has no frames, only ready-made features, and the method reads {', '.join(names)}: choose "
                    "a method that reads what the dataset has, or a dataset with frames"
                )
        return computed

    @cached_property
    def notes_on_frames(self) -> tuple[Finding, ...]:
        """Warnings about the frames that the run reads; none where all features are ready-made."""
        try:
            reads_frames = any(chain.steps for chains in self.computed.values() for chain in chains)
        except ConfigError:  # the dataset has no frames, which stops the run
            return ()
        if not reads_frames:
            return ()
        return (*notes_on_frames(self.data.dataset, self.data.videos), *self._notes_on_color())

    def _notes_on_color(self) -> Iterator[Finding]:
        """Warnings about gray recordings of which an encoder reads colour. The first frame of each dataset tells."""
        reads_color = {group for group, chains in self.computed.items() if any(map(_reads_color, chains))}
        videos = [video for video in self.data.videos if self.data.groups[video.key] in reads_color]
        for id_, video in {video.dataset: video for video in reversed(videos)}.items():
            dataset, _ = self.data.find_home(video)
            with suppress(DataError, IndexError):  # of frames that cannot be read the feature pass says more
                if not has_color(dataset.frames(video)[0]):
                    message = f"the recordings of {id_} are gray, and the encoder reads colour: it gets the same picture three times"
                    yield Finding("warning", "", message)

    def chains_of(self, video: Video) -> tuple[Chain, ...]:
        """The distinct chains that any fold reads of a video."""
        return self.chains.get(self.data.groups[video.key], ())

    def write_cards(self) -> dict[str, list[str]]:
        """The chains of the run by group of videos, as for a paper's appendix."""
        return {group: [chain.card() for chain in chains] for group, chains in sorted(self.chains.items())}


def _reads_color(chain: Chain) -> bool:
    """Whether a chain begins with crops in colour."""
    return any(isinstance(step, FaceCrop) and step.color for step in chain.steps)


@dataclass(frozen=True)
class FeatureNeeds:
    """The features of a run, and what workers need to compute those that are missing.

    Attributes:
        features: features of the run.
        settings: settings that open its dataset, see `dataset_settings`.
        code: code that workers must have in common with the plan.
        grant: access of plugins' steps; None where they are not confined.
        plugins: folders with more plugins.
        method_folder: folder of its first method, whose steps may import more.
    """

    features: RunFeatures
    settings: str
    code: RunCode
    grant: Grant | None
    plugins: tuple[str, ...]
    method_folder: Path

    @cached_property
    def source(self) -> DatasetSource:
        """The dataset for other processes."""
        return DatasetSource.of_run(self.settings, self.code, self.features.data.dataset)


def store_of(settings: PlaceSettings) -> FeatureStore:
    """The feature store of a run."""
    return FeatureStore(Path(settings.cache).expanduser().absolute(), settings.keep == "flow")
