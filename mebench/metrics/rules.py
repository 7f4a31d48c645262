"""The rules of a scorer as data."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from mebench.metrics.catalogue import SECTIONS

Ends = Literal["inclusive", "half_open", "never_empty"]
Matching = Literal["maximum", "next_free", "best_only", "every_free", "any_hit", "peak"]
Videos = Literal["all", "with_truth", "with_result", "of_spotted_subjects"]


@dataclass(frozen=True, slots=True)
class Convention:
    """The rules under which intervals and classes are scored.

    Attributes:
        name: what the configuration calls it.
        source: whose rules they are.
        ends: `inclusive` counts both ends of an interval as frames; `half_open` leaves the offset out; `never_empty`
            counts both ends, lets any two intervals share at least one frame, and lets one of a single frame hit
            nothing.
        threshold: IoU from which on a spotted interval hits a truth; exact, so that a half is a half.
        reaching: whether an IoU equal to the threshold suffices.
        matching: `maximum` pairs spotted intervals and truths one to one, as many as possible (`matching.match`). In
            the others each spotted interval in turn takes: `next_free` the best free truth that it hits; `best_only`
            the truth of best IoU, if it hits that and nobody took it; `every_free` all free truths that it hits. With
            `any_hit` a truth is found if anything hits it, and with `peak` if the apex of anything lies close enough
            (`li2017.peak_hits`).
        order: whose turn it is, and how average precision ranks: by `confidence`, or by the `rows` of the table.
        ties: which of two truths of equal IoU `next_free` and `best_only` prefer.
        videos: `all`; `with_truth`: only those with a truth of the kind; `with_result`: only those with a spotted
            interval of the kind; `of_spotted_subjects`: those with a truth, of subjects with a spotted interval.
        silence: what a counted video without spotted intervals adds: `nothing`, or a `dummy` interval [0, 0].
        classes: `in_truth` averages over the classes that occur in the truth, `all` over all that were named.
        degenerate: what a class is worth to which all answers and all truths, or none of either, belong: it is `kept`
            as any other (0/0 counts 0), counts `zero`, or is `dropped` from the mean.
        uar: what is printed as UAR: mean `recall`, or mean `precision`.
        asr: `claims` asks for all truths (`spotting.apex_claims`), `first` for the first one of each video only.
        pairing: `own` compares a true positive's emotion with its truth's; `shifted` compares the n-th answer with the
            n-th truth after some were dropped from one of the two lists (`samples.of_shifted_true_positives`).
        overall_ap: average precision of several kinds: one `pooled` ranking, or the `mean` of the kinds.
        sections: parts of a summary that the convention defines.
        scores: spotting scores that it defines; None stands for all.
        class_scores: scores of analysis and recognition that it defines; None stands for all.
        defects: known defects that it reproduces.
    """

    name: str
    source: str = ""
    ends: Ends = "inclusive"
    threshold: Fraction = Fraction(1, 2)
    reaching: bool = True
    matching: Matching = "maximum"
    order: Literal["confidence", "rows"] = "confidence"
    ties: Literal["earlier", "later"] = "earlier"
    videos: Videos = "all"
    silence: Literal["nothing", "dummy"] = "nothing"
    classes: Literal["in_truth", "all"] = "in_truth"
    degenerate: Literal["kept", "zero", "dropped"] = "kept"
    uar: Literal["recall", "precision"] = "recall"
    asr: Literal["claims", "first"] = "claims"
    pairing: Literal["own", "shifted"] = "own"
    overall_ap: Literal["pooled", "mean"] = "pooled"
    sections: tuple[str, ...] = SECTIONS
    scores: frozenset[str] | None = None
    class_scores: frozenset[str] | None = None
    defects: tuple[str, ...] = ()

    def defines(self, score: str) -> bool:
        """Whether a spotting score of that name exists under the convention."""
        return self.scores is None or score in self.scores

    def defines_of_classes(self, score: str) -> bool:
        """Whether a score of analysis or recognition exists under the convention."""
        return self.class_scores is None or score in self.class_scores

    def describe(self) -> str:
        """The rules in a few sentences: hits, matching, videos, ranking, classes, source, defects."""
        bound = "at least" if self.reaching else "more than"
        hit = (
            "its apex lies no further than a quarter of its length from a truth of the same video and kind"
            if self.matching == "peak"
            else f"its IoU with a truth of the same video and kind ({_ENDS[self.ends]}) is {bound} {float(self.threshold):g}"
        )
        rules = [f"a spotted interval is a true positive if {hit}, {_MATCHING[self.matching]}"]
        if self.matching != "maximum" and self.order == "rows":
            rules.append("they take turns in the order of the rows")
        rules.append(_VIDEOS[self.videos])
        if self.silence == "dummy":
            rules.append("a video without a spotted interval counts as one with the interval [0, 0]")
        if self.defines("ap"):
            rules.append(_RANKING[self.order])
        if "analysis" in self.sections or "recognition" in self.sections:
            rules.append(f"{_CLASSES[self.classes]}, {_DEGENERATE[self.degenerate]}")
        told = f"{self.name}: {'; '.join(rules)}."
        if self.source:
            told += f" Source: {self.source}."
        if self.defects:
            told += f" Reproduces: {'; '.join(self.defects)}."
        return told


_ENDS: dict[str, str] = {
    "inclusive": "both ends counted",
    "half_open": "the offset left out",
    "never_empty": "both ends counted, one shared frame even where they are apart",
}
_MATCHING: dict[str, str] = {
    "maximum": "matched one to one with the most pairs, then the largest total IoU, then the higher confidence, "
    "then the earlier onset",
    "next_free": "each in turn taking the truth of best IoU that is still free",
    "best_only": "each in turn trying its truth of best IoU and no other",
    "every_free": "each in turn taking all free truths that it hits",
    "any_hit": "every truth counting once however many hit it",
    "peak": "every truth counting once however many find it, and the finders never as false positives",
}
_VIDEOS: dict[str, str] = {
    "all": "every video counts, with or without expressions",
    "with_truth": "only videos with a truth of the kind count",
    "with_result": "only videos with a spotted interval of the kind count",
    "of_spotted_subjects": "only videos with a truth count, and only of subjects for whom anything was spotted",
}
_RANKING: dict[str, str] = {
    "confidence": "average precision ranks by confidence, over all points",
    "rows": "average precision ranks by the order of the rows",
}
_CLASSES: dict[str, str] = {
    "in_truth": "classes are those that occur in the truth",
    "all": "classes are all that were named",
}
_DEGENERATE: dict[str, str] = {
    "kept": "and 0/0 counts 0",
    "zero": "and one to which all samples or none belong counts 0",
    "dropped": "and one to which all samples or none belong is dropped from the mean",
}
