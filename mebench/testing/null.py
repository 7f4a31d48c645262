"""Detect a method that knows labels it cannot have learnt.

It runs on labels that are independent of the faces.
"""

import itertools
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass
from functools import reduce
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.config import RunConfig, registry, resolve, settings_of
from mebench.core import Video
from mebench.core.peaks import hits
from mebench.errors import ConfigError, MebenchError
from mebench.grouping import group_by
from mebench.output.progress import Progress, Silent
from mebench.runner import make_plan
from mebench.runner.execute import execute_all, worker_pool
from mebench.runner.session import Session, open_session
from mebench.testing.contracts import cut_down

ONE_IN = 500
"""At most one in this many checks of a method that knows nothing fails; fewer in practice, because counts are whole
numbers.
"""
DRAWN = Path(__file__).with_name("drawn")
BLIND_SPOT = (
    "The check does not find a method that reads labels from real data only, such as a path written "
    "into the plugin, or from names of videos and subjects."
)
"""The limit of this check."""


class KnowsLabelsError(MebenchError):
    """A method knows labels that it cannot have learnt."""


Chances = NDArray[np.float64]
"""Probability of 0, 1, 2 … right answers by chance."""


@dataclass(frozen=True)
class RightAnswers:
    """Right answers of a method for the people of one fold, over all shuffles.

    Attributes:
        task: `spotting` (expressions that an interval hits, IoU .5 or more) or `recognition` (correctly named clips).
        fold: key of the fold.
        right: right answers.
        of: all answers.
        most: the largest number of right answers by chance; at most one in `ONE_IN` checks exceeds it, over all counts
            together.
    """

    task: str
    fold: str
    right: int
    of: int
    most: int

    @property
    def beyond_chance(self) -> bool:
        """Whether the method knows labels."""
        return self.right > self.most


def run_null_check(
    method: str, progress: Progress, words: Sequence[str] = (), plugins: Sequence[str] = (), shuffles: int = 3
) -> list[RightAnswers]:
    """Run a method where it cannot know any label, and count its right answers.

    Args:
        method: id of the method.
        progress: reports the progress.
        words: its settings; `epochs…` and `draws…` are 1 unless set here.
        plugins: folders with more plugins.
        shuffles: how often labels are shuffled; each time the method runs twice, and the second run counts.

    Raises:
        MebenchError: the method cannot run.
    """
    paths = registry.add_paths(plugins)
    settled = [f"method={method}", *cut_down(registry.find_plugin("method", method)), *words]
    with tempfile.TemporaryDirectory(prefix="mebench-null-") as folder:
        return pool_answers(
            [*map(count_right_answers, shuffled_runs(Path(folder), settled, paths, range(shuffles), progress))]
        )


def shuffled_runs(
    folder: Path, words: Sequence[str], plugins: Sequence[str], seeds: Sequence[int], progress: Progress
) -> Iterator[Session]:
    """For each seed, the second of two equal runs on labels shuffled with it; its folder exists until the next one is
    requested.

    They look like a user's runs: `runs` is in the working folder, and the first run has left there, and elsewhere,
    whatever it could. Data and runs of earlier seeds are removed, because their labels would mislead a method that
    searches for labels. People are tested in two halves, so that answers for one half depend only on labels of the
    other.

    Args:
        folder: the working folder meanwhile.
        words: settings of the method.
        plugins: folders with more plugins.
        seeds: seeds of the shuffles.
        progress: reports the progress.
    """
    registry.add_paths([DRAWN])
    config = _config(folder / "data" / "0", words, plugins)
    with chdir(folder), worker_pool(config) as pool, progress.stage("null", 2 * len(seeds), "runs") as advance:
        for seed in seeds:
            config = _config(folder / "data" / str(seed), words, plugins)
            registry.load_plugin("dataset", "shuffled")(config.dataset_params["shuffled"]).write(
                folder / "data" / str(seed), seed
            )
            for _ in range(2):
                session = open_session(make_plan(config))
                (outcome,) = execute_all([session], pool, Silent())
                if isinstance(outcome, MebenchError):
                    raise outcome
                advance()
            yield session
            for over in ("data", "runs"):
                shutil.rmtree(over)


def _config(root: Path, words: Sequence[str], plugins: Sequence[str]) -> RunConfig:
    """The run on drawn videos with shuffled labels."""
    data = (
        "dataset=shuffled",
        f"dataset.root={root}",
        "protocol=kfold",
        "protocol.folds=2",
        "runs=runs",
        "bootstrap=0",
    )
    if other := settings_of(words).get("dataset"):
        raise ConfigError(f"--null draws data of its own, whose labels are shuffled: leave dataset={other} out")
    return resolve([*data, *words], plugins=[str(DRAWN), *plugins])


def count_right_answers(run: Session) -> dict[tuple[str, str], tuple[int, int, Chances]]:
    """For each task and fold of a run: right answers, all answers, and the probability of each number of right ones."""
    counts = {}
    for fold in run.plan.data.folds:
        _, _, tested = fold.split(run.plan.data.videos)
        if "spot" in run.plan.data.task.tasks:
            counts["spotting", fold.key] = count_hit_expressions(run, tested)
        if "recognize" in run.plan.data.task.tasks:
            counts["recognition", fold.key] = count_named_clips(run, tested)
    return counts


def pool_answers(runs: Sequence[dict[tuple[str, str], tuple[int, int, Chances]]]) -> list[RightAnswers]:
    """The counts of some runs together.

    A method's answers for one half of the people depend only on the labels of the other half, and the two were drawn
    independently. So the distribution of its right answers is known exactly, for any method: it covers all ways of
    drawing the labels of the half. Each count gets its share of `ONE_IN` (Bonferroni), which holds for any dependence
    between them.
    """
    counted = []
    level = 1 / (ONE_IN * len(runs[0]))
    for task, fold in runs[0]:
        n_right, n_answers, chances_of_runs = zip(*(run[task, fold] for run in runs))
        chances = reduce(np.convolve, chances_of_runs)
        most_by_chance = int(np.argmax(1 - np.cumsum(chances) <= level))
        counted.append(RightAnswers(task, fold, sum(n_right), sum(n_answers), most_by_chance))
    return counted


def count_hit_expressions(run: Session, tested: Sequence[Video]) -> tuple[int, int, Chances]:
    """The expressions that intervals hit, compared with all possible positions of the expressions."""
    table = run.folder.read_table("predictions.parquet")
    table = table[(table["draw"] == 0) & (table["kind"] == "micro")]
    spotted = group_by(table[["video", "onset", "offset"]].itertuples(index=False), key=itemgetter(0))
    right = 0
    ways = []
    dataset: Any = run.plan.data.dataset
    for video in tested:
        (e,) = video.expressions

        def hit(onset: int, video: Video = video, length: int = e.length) -> bool:
            return any(hits(row[1:], (onset, onset + length - 1)) for row in spotted.get(video.key, ()))

        right += hit(e.onset)
        share = float(np.mean([hit(onset) for onset in dataset.places(e.length)]))
        ways.append(np.array([1 - share, share]))
    return right, len(tested), reduce(np.convolve, ways)


def count_named_clips(run: Session, tested: Sequence[Video]) -> tuple[int, int, Chances]:
    """The correctly named clips, compared with all permutations of each person's emotions."""
    table = run.folder.read_table("clips.parquet").set_index("video")["predicted"]
    right = 0
    ways = []
    for videos in group_by(tested, key=attrgetter("subject")).values():
        answers = [table[video.key] for video in videos]
        labels = [run.plan.data.scheme.class_of(video.expressions[0]) for video in videos]
        counts = [sum(a == b for a, b in zip(answers, dealt)) for dealt in itertools.permutations(labels)]
        right += counts[0]  # the first permutation is the identity
        ways.append(np.bincount(counts, minlength=len(videos) + 1) / len(counts))
    return right, len(tested), reduce(np.convolve, ways)


def refuse_known_labels(method: str, found: Sequence[RightAnswers], shuffles: int) -> None:
    """Name a method that knows labels.

    Raises:
        KnowsLabelsError: it does.
    """
    if beyond_chance := [one for one in found if one.beyond_chance]:
        worst = max(beyond_chance, key=lambda one: (one.right - one.most) / one.of)
        raise KnowsLabelsError(
            f"method {method!r} knows labels that are independent of its input: {worst.task} is right "
            f"{worst.right} times of {worst.of} for the people of {worst.fold!r}, but by chance at most "
            f"{worst.most} times (labels shuffled {shuffles} times, each run twice). Search for files that it "
            "writes and reads, in scratch folders, other runs or the dataset's folder"
        )
