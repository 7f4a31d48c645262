"""The conventions by name: the suite's own, and those under which numbers were published."""

from __future__ import annotations

from mebench.errors import ConfigError, unknown
from mebench.metrics.rules import Convention

STRICT = Convention("strict")
"""The suite's own rules, which every number stands under that says nothing else."""

_LEGACY_AP = "average precision ranks by the order of the rows, as if all were equally sure"
_ONLY_WITH_TRUTH = "videos without a truth of the kind are left out, and with them their false positives"
_DUMMY = "a video in which nothing was spotted adds a false positive (the interval [0, 0])"
_TOP_ONE = "a spotted interval whose best truth is taken never tries its second best"

MEAN2022 = Convention(
    "mean2022",
    source="the released code of MEAN (Liong, See and Chan 2023)",
    matching="best_only",
    order="rows",
    ties="later",
    videos="with_truth",
    silence="dummy",
    classes="all",
    degenerate="dropped",
    asr="first",
    pairing="shifted",
    scores=frozenset({"precision", "recall", "f1", "ap50", "ap", "asr", "apex_mae_frames"}),
    class_scores=frozenset({"accuracy", "precision", "recall", "f1", "uf1", "uar", "strs"}),
    defects=(
        _ONLY_WITH_TRUTH,
        _DUMMY,
        _TOP_ONE,
        _LEGACY_AP,
        "average precision lets a spotted interval try all truths, F1 only the best",
        "a class to which no sample or every sample belongs is dropped from the means",
        "UAR is undefined where a class was named but never true",
        "a true positive of an emotion that is not scored shifts all later answers against their truths",
        "the apex spotting rate looks at the first interval and the first truth of a video only",
    ),
)
"""MEAN's own evaluation. All numbers of its Tables 2 and 5 on CASME II follow from its published predictions but UF1."""

SOFTNET2021 = Convention(
    "softnet2021",
    source="the released code of SOFTNet (Liong, See and Wong 2021)",
    matching="best_only",
    order="rows",
    ties="later",
    videos="with_truth",
    silence="dummy",
    sections=("spotting",),
    scores=frozenset({"precision", "recall", "f1", "ap50", "ap"}),
    defects=(
        _ONLY_WITH_TRUTH,
        _DUMMY,
        _TOP_ONE,
        f"{_LEGACY_AP}; the original's unstable sort of equal confidences may change that order",
        "average precision lets a spotted interval try all truths, F1 only the best",
    ),
)
"""SOFTNet's evaluation, which MEAN's forked; it spots only."""

MEGC2020 = Convention(
    "megc2020",
    source="the baseline code of MEGC 2020 (He et al. 2020)",
    ends="never_empty",
    matching="any_hit",
    order="rows",
    videos="with_result",
    sections=("spotting",),
    scores=frozenset({"precision", "recall", "f1", "precision_large", "f1_large"}),
    defects=(
        "intervals that are apart still share one frame, since 1 is added after the cut at 0; of two that last two "
        "frames or more this lifts no IoU above 1/3",
        "an interval of a single frame hits nothing",
        "one spotted interval may find several truths, so false positives can be negative",
        "precision counts the truths that were found, not the intervals that were right; `precision_large` counts every "
        "hit, duplicates included",
        "a video without a result is skipped, its truths too; here that is a video without a spotted interval of the "
        "kind (in any draw)",
    ),
)
"""The baseline's evaluation of MEGC 2020. A video without a result file is one without a row: files cannot tell."""

STRS_METRIC = Convention(
    "strs_metric",
    source="the STRS-Metric scorer of Liong, See and Chan, as MEGC 2024 used it",
    matching="every_free",
    order="rows",
    videos="of_spotted_subjects",
    classes="all",
    degenerate="zero",
    uar="precision",
    sections=("spotting", "analysis"),
    scores=frozenset({"precision", "recall", "f1"}),
    class_scores=frozenset({"precision", "recall", "f1", "uf1", "uar", "strs"}),
    defects=(
        "subjects for whom nothing was spotted are left out, and with them their misses",
        _ONLY_WITH_TRUTH,
        "one spotted interval may find several truths and then counts as several true positives",
        "a class to which every sample belongs counts 0, so that one class, all right, has no F1 and no STRS",
        "what it calls UAR is mean precision",
    ),
)
"""The challenge's scorer, bug for bug."""

LI2017 = Convention(
    "li2017",
    source="Li et al. 2017, Towards Reading Hidden Emotions, IEEE Transactions on Affective Computing 9(4)",
    matching="peak",
    scores=frozenset({"precision", "recall", "f1", "tpr", "fpr"}),
    class_scores=frozenset({"accuracy", "acc_mesr"}),
    sections=("spotting", "analysis"),
    defects=("a false positive costs its frames, however many of them another one has cost already",),
)
"""The peak-inside-interval rule: true and false positive rates count frames, and Acc_MESR = TPR x accuracy."""

ACTIVITYNET = Convention(
    "activitynet",
    source="the evaluation of ActivityNet (Caba Heilbron et al. 2015)",
    ends="half_open",
    matching="next_free",
    overall_ap="mean",
    sections=("spotting",),
    scores=frozenset({"precision", "recall", "f1", "ap50", "ap"}),
)
"""Temporal action detection: times as points, so that an interval lasts from onset to offset without the last frame."""

CONVENTIONS: dict[str, Convention] = {
    rule.name: rule for rule in (STRICT, MEAN2022, SOFTNET2021, MEGC2020, STRS_METRIC, LI2017, ACTIVITYNET)
}

__all__ = ["CONVENTIONS", "Convention", "named"]


def named(name: str) -> Convention:
    """The convention of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in CONVENTIONS:
        raise ConfigError(unknown("convention", name, CONVENTIONS))
    return CONVENTIONS[name]
