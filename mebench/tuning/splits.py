"""Subjects of tuning: those of a study, its inner folds, and the outer folds that no trial touches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mebench.core import SubjectKey, stable_seed
from mebench.core.types import Fold
from mebench.errors import ConfigError, refuse_if
from mebench.protocols.within import KFoldParams, kfold
from mebench.runner.plan import Plan, check_training


@dataclass(frozen=True)
class Split:
    """One study and its outer folds.

    Attributes:
        name: name of the study's part: `tuning` or the key of an outer fold.
        inner: the run of a trial: the videos of the tuned subjects and folds among them; of a pair both methods.
        outer: folds that evaluate the tuned values, with other test subjects.
    """

    name: str
    inner: Plan
    outer: tuple[Fold, ...]

    @property
    def subjects(self) -> tuple[SubjectKey, ...]:
        """The subjects used for tuning, sorted."""
        return tuple(sorted({video.subject_key for video in self.inner.data.videos}))


def people_of_folds(folds: Sequence[Fold]) -> list[list[str]]:
    """Key and people of each fold as plain data, which identify stored results."""
    people = []
    for fold in folds:
        sides = [" ".join(map(str, side)) for side in (fold.train, fold.valid, fold.test)]
        people.append([fold.key, *sides])
    return people


def tuning_set(plan: Plan, size: float, folds: int) -> tuple[Split, ...]:
    """One study over some subjects; the others are outer subjects, and all other people may train their models.

    The tuned people are drawn with the run's seed so that they resemble the others in datasets, kinds and emotions.

    Args:
        plan: plan of the run.
        size: number of people, or their share below 1.
        folds: inner folds, at most.

    Raises:
        ConfigError: too few people on one side.
    """
    people = plan.collect_people(plan.data.videos)
    n = len(people.persons)
    is_share = size < 1
    count = round(size * n) if is_share else int(size)
    refuse_if(
        (
            size != count and not is_share,
            f"--tuning-subjects must be a number of subjects, or a share below 1, not {size:g}",
        ),
        (
            not 2 <= count <= n - 1,
            f"--tuning-subjects {size:g} leaves {max(count, 0)} of {n} subjects to tune on and {min(n - count, n)} to judge by: "
            "tuning needs 2 at least, judging 1",
        ),
    )
    tuned: set[SubjectKey] = set()
    for person in people.draw_persons(people.persons, count, "tuning subjects"):
        tuned |= set(people.persons[person])
    untuned = [replace(fold, test=tuple(s for s in fold.test if s not in tuned)) for fold in plan.data.folds]
    outer = tuple(fold for fold in untuned if fold.test)
    if not outer:
        raise ConfigError(
            f"protocol {plan.data.protocol.name} tests only subjects that are tuned on: tune with --nested"
        )
    return (Split("tuning", _inner_plan(plan, tuned, folds, "tuning"), outer),)


def nested_studies(plan: Plan, folds: int) -> tuple[Split, ...]:
    """One study for each outer fold, over the subjects that train and validate in it.

    Args:
        plan: plan of the run.
        folds: inner folds, at most.

    Raises:
        ConfigError: too few people in a fold.
    """
    return tuple(
        Split(fold.key, _inner_plan(plan, {*fold.train, *fold.valid}, folds, fold.key), (fold,))
        for fold in plan.data.folds
    )


def _inner_plan(plan: Plan, subjects: set[SubjectKey], most: int, name: str) -> Plan:
    """The run among some subjects only, in folds by person."""
    videos = tuple(video for video in plan.data.videos if video.subject_key in subjects)
    people = plan.collect_people(videos)
    if len(people.persons) < 2:
        raise ConfigError(
            f"{name!r} leaves {len(people.persons)} subject to tune on, and inner folds need 2 at least: use a dataset with more"
        )
    drawn = kfold(people, KFoldParams(min(most, len(people.persons)), stable_seed(plan.config.seed, "inner", name)))
    inner_folds = tuple(replace(fold, key=f"{name}/{fold.key}") for fold in drawn)
    data = replace(plan.data, videos=videos, folds=inner_folds)
    try:
        check_training(data)
    except ConfigError as error:
        raise ConfigError(f"inner {error}; or fewer --inner-folds") from error
    return replace(plan, data=data)
