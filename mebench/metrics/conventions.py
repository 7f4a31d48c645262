"""The rules of a scorer as data, and the conventions by name."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import cache
from typing import Any, Literal, get_args, get_type_hints

from mebench.errors import ConfigError, check_known, unknown
from mebench.metrics.catalogue import METRICS, SECTIONS


@dataclass(frozen=True, slots=True)
class Convention:
    """The rules under which intervals and classes are scored.

    Attributes:
        name: name in the configuration.
        source: source of the rules.
        ends: `inclusive` counts both ends of an interval as frames; `half_open` leaves the offset out; `never_empty`
            counts both ends, lets any two intervals share at least one frame, and lets one of a single frame hit
            nothing.
        threshold: least IoU of a hit, an exact fraction.
        reaching: whether an IoU equal to the threshold suffices.
        matching: `maximum` pairs spotted intervals and truths one to one, as many as possible (`matching.match_one_to_one`). Under
            the others, each spotted interval in turn takes: `next_free` the best free truth that it hits; `best_only`
            the truth of best IoU, if it hits it and it is free; `every_free` all free truths that it hits, `every_hit`
            all that it hits. With `best_of_truth` each truth takes the spotted interval of best IoU, if that hits it,
            and one that several take is one true positive; with `free_of_truth` it takes the best of those that no
            truth of an earlier row took. With `any_hit` a truth is found if anything hits it, and with `peak` if the
            apex of anything lies close enough (`li2017.peak_hits`).
        duplicates: a spotted interval that hits only truths which others have found is `wrong`, `free` (no false positive), or
            `dropped`: each hit beyond the first of its truth takes one from the false positives.
        precision: numerator of precision: the truths `found`, or the spotted intervals `hitting` any truth; F1 always uses the
            truths found.
        exchanged: whether precision and recall are printed under each other's name.
        numbering: `truth_from_1` subtracts 1 from the truth's frames, which count from 1 while spotted ones count from
            0.
        order: order of the turns, and of the ranking in average precision: by `confidence`, or by the `rows` of the table.
        ties: truth that `next_free` and `best_only` prefer at equal IoU.
        kinds: kinds that a spotted interval may hit: a truth of its `own` kind; of `any` where several kinds are pooled
            (`overall`); or always of any kind, so that a true positive counts for the kind `of_truth`, and spotted intervals
            for their own.
        videos: videos that count: `all`; `with_truth`: only those with a truth of the kind; `with_result`: only those in which
            the kind was looked for, found or not (`Tables.videos`); `of_spotted_subjects`: those with a truth, of subjects with
            a spotted interval.
        silence: addition of a counted video without spotted intervals: `nothing`, or a `dummy` interval [0, 0].
        classes: `in_truth` averages over the classes that occur in the truth, `in_truth_or_predicted` also over those
            that were only predicted, `all` over all classes of the scheme.
        degenerate: treatment of a class that all answers and truths, or none, have: it is `kept` as any other (0/0
            counts 0), counts `zero`, or is `dropped` from the mean.
        uar: meaning of UAR: mean `recall` or mean `precision`.
        asr: truths that the apex spotting rate asks for: `claims` for all (`spotting_scores.apex_claims`), `first` for the
            first one of each video only.
        pairing: `own` compares a true positive's emotion with its truth's; `shifted` compares the n-th answer with the
            n-th truth after some were dropped from one of the two lists (`emotions.of_true_positives`).
        overall_ap: average precision of several kinds: one `pooled` ranking, or the `mean` of the kinds.
        sections: parts of a summary that the convention defines.
        scores: spotting scores that it defines; None stands for all.
        class_scores: scores of analysis and recognition that it defines; None stands for all.
        defects: known defects that it reproduces.
    """

    name: str
    source: str = ""
    ends: Literal["inclusive", "half_open", "never_empty"] = "inclusive"
    threshold: Fraction = Fraction(1, 2)
    reaching: bool = True
    matching: Literal[
        "maximum",
        "next_free",
        "best_only",
        "every_free",
        "every_hit",
        "best_of_truth",
        "free_of_truth",
        "any_hit",
        "peak",
    ] = "maximum"
    duplicates: Literal["wrong", "free", "dropped"] = "wrong"
    precision: Literal["found", "hitting"] = "found"
    exchanged: bool = False
    numbering: Literal["alike", "truth_from_1"] = "alike"
    order: Literal["confidence", "rows"] = "confidence"
    ties: Literal["earlier", "later"] = "earlier"
    kinds: Literal["own", "any", "of_truth"] = "own"
    videos: Literal["all", "with_truth", "with_result", "of_spotted_subjects"] = "all"
    silence: Literal["nothing", "dummy"] = "nothing"
    classes: Literal["in_truth", "in_truth_or_predicted", "all"] = "in_truth"
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
        """Whether a spotting score exists under the convention.

        Scores in time need all videos. Scores in time and scores of ranks need spotted intervals of one kind.
        """
        metric = METRICS.get(score)
        if metric and metric.matching:  # a convention that matches so has it, beside the scores that it names
            return metric.matching == self.matching
        if self.scores is not None and score not in self.scores:
            return False
        if metric is None:
            return True
        if metric.timed and self.videos != "all":
            return False
        needs_one_kind = metric.timed or metric.ranked
        return not (needs_one_kind and self.kinds == "of_truth")

    @property
    def has_known_chance(self) -> bool:
        """Whether the level of chance can be computed: it assumes one-to-one matching in all videos."""
        return self.matching == "maximum" and self.videos == "all"

    def defines_of_classes(self, score: str) -> bool:
        """Whether a score of analysis or recognition exists under the convention."""
        return self.class_scores is None or score in self.class_scores

    def describe(self) -> str:
        """The rules in a few sentences: hits, matching, videos, ranking, classes, source, defects."""
        phrases = {name: texts[getattr(self, name)] for name, texts in _PHRASES.items()}
        of_intervals = not {"spotting", "analysis"}.isdisjoint(self.sections)
        of_classes = not {"analysis", "recognition"}.isdisjoint(self.sections)
        rules = {
            f"a spotted interval is a true positive if {self._describe_hit()}, {phrases['matching']}": of_intervals,
            phrases["duplicates"]: self.duplicates != "wrong",
            phrases["precision"]: self.precision != "found",
            "what is printed as precision is recall, and the other way round": self.exchanged,
            phrases["numbering"]: self.numbering != "alike",
            "they take turns in the order of the rows": self.matching != "maximum" and self.order == "rows",
            phrases["kinds"]: self.kinds != "own",
            phrases["videos"]: of_intervals,
            "a video without a spotted interval counts as one with the interval [0, 0]": self.silence == "dummy",
            phrases["order"]: of_intervals and self.defines("ap"),
            f"{phrases['classes']}, {phrases['degenerate']}": of_classes,
        }
        sentences = [f"{self.name}: {'; '.join(rule for rule, holds in rules.items() if holds)}."]
        if self.source:
            sentences.append(f"Source: {self.source}.")
        if self.defects:
            sentences.append(f"Reproduces: {'; '.join(self.defects)}.")
        return " ".join(sentences)

    def _describe_hit(self) -> str:
        """What a spotted interval must do to hit a truth."""
        if self.matching == "peak":
            return "its apex lies no further than a quarter of its length from a truth of the same video and kind"
        bound = "at least" if self.reaching else "more than"
        ends = _PHRASES["ends"][self.ends]
        return f"its IoU with a truth of the same video and kind ({ends}) is {bound} {float(self.threshold):g}"


_PHRASES: dict[str, dict[str, str]] = {
    "ends": {
        "inclusive": "both ends counted",
        "half_open": "the offset left out",
        "never_empty": "both ends counted, one shared frame even where they are apart",
    },
    "matching": {
        "maximum": "matched one to one with the most pairs, then the largest total IoU, then the higher confidence, "
        "then the earlier onset",
        "next_free": "each in turn taking the truth of best IoU that is still free",
        "best_only": "each in turn trying its truth of best IoU and no other",
        "every_free": "each in turn taking all free truths that it hits",
        "every_hit": "each taking all truths that it hits, whoever else took them",
        "free_of_truth": "each truth in turn taking the spotted interval of best IoU that none took before",
        "best_of_truth": "each truth taking the spotted interval of best IoU, and one that several take counting once",
        "any_hit": "every truth counting once however many hit it",
        "peak": "every truth counting once however many find it, and the finders never as false positives",
    },
    "duplicates": {
        "wrong": "",
        "free": "a spotted interval that hits only truths which others found is no false positive",
        "dropped": "each further hit of a truth takes one from the false positives",
    },
    "precision": {
        "found": "",
        "hitting": "precision counts the spotted intervals that hit any truth, duplicates included",
    },
    "numbering": {"alike": "", "truth_from_1": "1 is taken from the truth's frames"},
    "kinds": {
        "own": "",
        "any": "of several kinds pooled, a spotted interval may hit a truth of another kind",
        "of_truth": "a spotted interval may hit a truth of another kind, which is a true positive of the truth's kind",
    },
    "videos": {
        "all": "every video counts, with or without expressions",
        "with_truth": "only videos with a truth of the kind count",
        "with_result": "only videos count in which the kind was looked for, found or not",
        "of_spotted_subjects": "only videos with a truth count, and only of subjects for whom anything was spotted",
    },
    "order": {
        "confidence": "average precision ranks by confidence, over all points",
        "rows": "average precision ranks by the order of the rows",
    },
    "classes": {
        "in_truth": "classes are those that occur in the truth",
        "in_truth_or_predicted": "classes are those that occur in the truth or among the answers",
        "all": "classes are all that were named",
    },
    "degenerate": {
        "kept": "and 0/0 counts 0",
        "zero": "and one to which all samples or none belong counts 0",
        "dropped": "and one to which all samples or none belong is dropped from the mean",
    },
}
"""The meaning of each setting of a convention, in words."""

_LEGACY_AP = "average precision ranks by the order of the rows, as if all were equally sure"
_ONLY_WITH_TRUTH = "videos without a truth of the kind are left out, and with them their false positives"
_DUMMY = "a video in which nothing was spotted adds a false positive (the interval [0, 0])"
_TOP_ONE = "a spotted interval whose best truth is taken never tries its second best"

CONVENTIONS: dict[str, Convention] = {
    rule.name: rule
    for rule in (
        # mebench's own rules: the default for every score.
        Convention("strict"),
        # MEAN's own evaluation. All numbers of its Tables 2 and 5 on CASME II follow from its published predictions but UF1.
        Convention(
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
        ),
        # SOFTNet's evaluation, which MEAN's forked; it spots only.
        Convention(
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
        ),
        # SL-Swin's: the same fork, whose IoU must exceed the threshold.
        Convention(
            "sl_swin2022",
            source="the released code of SL-Swin (He, Chen and Zhong 2023), eddiehe99/pytorch-expression-spotting at c5eedfe",
            reaching=False,
            matching="best_only",
            order="rows",
            ties="later",
            videos="with_truth",
            silence="dummy",
            sections=("spotting",),
            scores=frozenset({"precision", "recall", "f1"}),
            defects=(
                _ONLY_WITH_TRUTH,
                _DUMMY,
                _TOP_ONE,
                "an IoU of exactly a half is a miss, unlike in the challenge's rule",
            ),
        ),
        # AUW-GCN's. USTC's ABPN finds by the same rule, but prints another precision.
        Convention(
            "auw_gcn",
            source="the released code of AUW-GCN (Yin et al. 2023), xjtupanda/AUW-GCN at 03c86f3",
            ends="half_open",
            reaching=False,
            matching="best_of_truth",
            sections=("spotting",),
            scores=frozenset({"precision", "recall", "f1"}),
            defects=(
                "an IoU of exactly a half is a miss, unlike in the challenge's rule",
                "two truths may take the same spotted interval, which is then one true positive and one miss",
            ),
        ),
        Convention(
            "abpn2022",
            source="the released code of ABPN (Leng et al. 2022), wenhaocold/USTC_ME_Spotting at 2aeab08",
            ends="half_open",
            reaching=False,
            matching="best_of_truth",
            precision="hitting",
            sections=("spotting",),
            scores=frozenset({"precision", "recall", "f1"}),
            defects=(
                "an IoU of exactly a half is a miss, unlike in the challenge's rule",
                "two truths may take the same spotted interval, which is then one true positive and one miss",
                "precision counts every spotted interval that hits, duplicates included, so F1 is not the mean of precision and recall",
            ),
        ),
        # SpotFormer's. On CAS(ME)2 it takes 1 from the truth: "spotformer, numbering=truth_from_1".
        Convention(
            "spotformer",
            source="the released code of SpotFormer (Deng et al. 2024), KinopioIsAllIn/SpotFormer at 1a22f3b",
            ends="half_open",
            matching="free_of_truth",
            order="rows",
            sections=("spotting",),
            scores=frozenset({"precision", "recall", "f1"}),
            defects=("a truth takes the best spotted interval though a later one needs it",),
        ),
        # TSMSNet's, which LSSNet's program has too.
        Convention(
            "tsmsnet2021",
            source="the released code of TSMSNet (Xue et al. 2021), xly135846/MEGC2021 at 83bf614",
            matching="any_hit",
            duplicates="dropped",
            exchanged=True,
            videos="with_truth",
            sections=("spotting",),
            scores=frozenset({"precision", "recall", "f1"}),
            defects=(
                "duplicates vanish from the false positives, which can be negative where one spotted interval finds several truths",
                "what it calls recall is precision, and the other way round",
                _ONLY_WITH_TRUTH,
            ),
        ),
        # SFAMNet's: mean_average_precision_str with its default policy.
        Convention(
            "map_str",
            source="the released code of SFAMNet (Liong, Liong, See and Chan 2024), genbing99/SFAMNet at a72ecdd",
            matching="every_hit",
            order="rows",
            sections=("spotting",),
            scores=frozenset({"precision", "recall", "f1", "ap50", "ap"}),
            defects=(
                "every pair that hits is a true positive, duplicates and second truths included, so recall and average precision can "
                "exceed 1 and misses be negative",
                _LEGACY_AP,
            ),
        ),
        # The programs of BoostingVRME and ME-TST import map_str's matcher and, some lines later, MEAN's under the same name, which counts.
        # Unlike MEAN and ME-TST, BoostingVRME adds nothing to a video without a spotted interval, and pairs emotions rightly.
        Convention(
            "boosting_vrme2025",
            source="the released code of BoostingVRME (Guo et al. 2025), zizheng-guo/BoostingVRME at 84cddd3",
            matching="best_only",
            order="rows",
            ties="later",
            videos="with_truth",
            classes="all",
            degenerate="dropped",
            sections=("spotting", "analysis"),
            scores=frozenset({"precision", "recall", "f1"}),
            class_scores=frozenset({"precision", "recall", "f1", "uf1", "uar", "strs"}),
            defects=(_ONLY_WITH_TRUTH, _TOP_ONE),
        ),
        # LGSNet's: kinds do not matter, and precision counts the truths that were found. It prints the recall of a kind, too, by
        # "lgsnet2023, kinds=of_truth".
        Convention(
            "lgsnet2023",
            source="the released code of LGSNet (Yu et al. 2023), williamlee91/LGSNet at fb38eb2, LGSNet/tools/F1_score_last.py",
            matching="any_hit",
            kinds="any",
            sections=("spotting",),
            scores=frozenset({"precision", "recall", "f1"}),
            defects=(
                "overall does not look at kinds: a spotted micro-expression may find a macro-expression",
                "one spotted interval may find several truths, so false positives can be negative",
            ),
        ),
        # Entries to MEGC 2023 that match before they tell kinds apart, by length. They add 1 to spotted frames, since the truth's count
        # from 1: "megc2023_entries, numbering=truth_from_1".
        # This is the entry's program for CAS(ME)2; its program for SAMM-LV stops at the first interval of IoU .2 or more, even if a
        # later one of .5 would find the truth.
        Convention(
            "megc2023_entries",
            source="an entry's own validation, qin123xyz/MEGC2023_macro-and-micro-expression-spotting at 7c35b5d",
            ends="half_open",
            matching="any_hit",
            kinds="of_truth",
            videos="with_truth",
            sections=("spotting",),
            scores=frozenset({"precision", "recall", "f1"}),
            defects=(
                "a micro-expression that was spotted as a macro-expression is a true positive of micro, and no false positive of macro",
                "one spotted interval may find several truths, so false positives can be negative",
                _ONLY_WITH_TRUTH,
            ),
        ),
        # Recognition as scikit-learn's f1_score(average="macro") counts it without labels.
        Convention(
            "sklearn_macro",
            source="scikit-learn, f1_score, recall_score and precision_score with average='macro' and no labels",
            classes="in_truth_or_predicted",
            sections=("recognition",),
            defects=("a class that is predicted but never true enters the means with 0",),
        ),
        # The baseline's evaluation of MEGC 2020. A video without a result file is one that the predictions do not list.
        Convention(
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
                "precision counts the truths that were found, not the intervals that were right; precision_large counts every "
                "hit, duplicates included",
                "a video without a result file is skipped, its truths too; here that is a video that the predictions do not list "
                "for the kind, not even without an interval",
            ),
        ),
        # The challenge's scorer, bug for bug.
        Convention(
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
        ),
        # The peak-inside-interval rule: true and false positive rates count frames, and Acc_MESR = TPR x accuracy.
        Convention(
            "li2017",
            source="Li et al. 2017, Towards Reading Hidden Emotions, IEEE Transactions on Affective Computing 9(4)",
            matching="peak",
            scores=frozenset({"precision", "recall", "f1", "tpr", "fpr"}),
            class_scores=frozenset({"accuracy", "acc_mesr"}),
            sections=("spotting", "analysis"),
            defects=("a false positive costs its frames, however many of them another one has cost already",),
        ),
        # Temporal action detection: times as points, so that an interval lasts from onset to offset without the last frame.
        Convention(
            "activitynet",
            source="the evaluation of ActivityNet (Caba Heilbron et al. 2015)",
            ends="half_open",
            matching="next_free",
            overall_ap="mean",
            sections=("spotting",),
            scores=frozenset({"precision", "recall", "f1", "ap50", "ap"}),
        ),
    )
}


RULES = tuple(field.name for field in fields(Convention) if field.name not in ("name", "source", "defects"))
"""The rules of a convention that may be chosen one by one."""


def changed_name(name: str, rules: Sequence[str]) -> str:
    """The name of a convention with some rules changed.

    >>> changed_name("strict", ["ends=half_open", "threshold=0.6"])
    'strict, ends=half_open, threshold=0.6'
    """
    return ", ".join([name, *(rule.replace(" ", "") for rule in rules)])


@cache
def find_convention(name: str | Convention) -> Convention:
    """The convention of a name, which may name changed rules as `changed_name` does.

    Raises:
        ConfigError: the convention, rule or value is unknown.
    """
    if isinstance(name, Convention):
        return name
    base, *rules = name.split(", ")
    check_known("convention", base, CONVENTIONS)
    values = {}
    for rule in rules:
        field, equals, text = rule.partition("=")
        if not equals:
            raise ConfigError(f"{rule!r} is not a rule of a convention: write FIELD=VALUE, such as ends=half_open")
        check_known("rule", field, RULES)
        values[field] = _read_rule(field, text)
    if not values:
        return CONVENTIONS[base]
    whole = CONVENTIONS[base]
    source = f"{whole.source or 'the suite'}; changed: {', '.join(values)}"
    return replace(whole, name=name, source=source, **values)


def _read_rule(field: str, text: str) -> Any:
    """The value of a rule, from its text.

    Raises:
        ConfigError: the rule has no such value.
    """
    hint = get_type_hints(Convention)[field]
    if hint is Fraction:
        return _read_threshold(field, text)
    if field in _NAMES:
        return _read_names(field, text)
    known = {"true": True, "false": False} if hint is bool else {word: word for word in get_args(hint)}
    check_known(f"value of the rule {field}", text, known)
    return known[text]


def _read_threshold(field: str, text: str) -> Fraction:
    """An IoU above 0, up to 1."""
    value = Fraction(0)
    with suppress(ValueError, ZeroDivisionError):
        value = Fraction(text)
    if not 0 < value <= 1:
        raise ConfigError(f"the rule {field} is an IoU above 0, up to 1, such as 0.5 or 1/3, not {text!r}")
    return value


def _read_names(field: str, text: str) -> tuple[str, ...] | frozenset[str] | None:
    """The sections or scores that a convention defines; None for all scores."""
    known = _NAMES[field]
    chosen = known if text == "all" else text.split("+")
    strange = [word for word in chosen if word not in known]
    if strange:
        what = f"value of the rule {field}"
        raise ConfigError(unknown(what, strange[0], ["all", *known], "Several are joined by +"))
    if field == "sections":
        return tuple(chosen)
    return None if text == "all" else frozenset(chosen)


def describe_convention(name: str) -> str:
    """The rules of a convention in words; only the name of one that no longer exists."""
    try:
        return find_convention(name).describe()
    except ConfigError:
        return name


_NAMES: dict[str, Sequence[str]] = {
    "sections": SECTIONS,
    "scores": [name for name, metric in METRICS.items() if "spotting" in metric.sections],
    "class_scores": [name for name, m in METRICS.items() if not {"analysis", "recognition"}.isdisjoint(m.sections)],
}
