"""Plain readings of the rules, one interval at a time, to compare with."""

from fractions import Fraction

import pandas as pd

from mebench.metrics import Tables

Span = tuple[int, int]


def iou(a: Span, b: Span) -> Fraction:
    shared = set(range(a[0], a[1] + 1)) & set(range(b[0], b[1] + 1))
    return Fraction(len(shared), len(set(range(a[0], a[1] + 1)) | set(range(b[0], b[1] + 1))))


def rows(video: str, spans: list[Span], emotions: list[str | None] | None = None, kind: str = "micro") -> pd.DataFrame:
    frame = pd.DataFrame({"onset": [a for a, _ in spans], "offset": [b for _, b in spans]}, dtype="int64")
    apex = [(a + b) // 2 for a, b in spans]
    return frame.assign(video=video, kind=kind, apex=apex, emotion=emotions or [None] * len(spans))


def tables(truths: list[pd.DataFrame], spotted: list[pd.DataFrame], names: list[str], **videos: object) -> Tables:
    """Videos are `dataset/subject/id`; confidence falls with the row, so that both orders are the same."""
    about = pd.DataFrame({"video": names}).assign(
        subject=[name.rsplit("/", 1)[0] for name in names],
        dataset=[name.split("/")[0] for name in names],
        n_frames=3000,
        fps=100.0,
    )
    empty = rows("", [])
    predictions = pd.concat([empty, *spotted], ignore_index=True)
    confidence = [1 - n / (len(predictions) + 1) for n in range(len(predictions))]
    return Tables(
        about.assign(**videos),
        pd.concat([empty, *truths], ignore_index=True),
        predictions.assign(confidence=confidence, draw=0),
    )


def top_one(truths: list[Span], spotted: list[Span]) -> list[int]:
    """Only the best truth is tried, of equal ones the last."""
    taken: set[int] = set()
    found = []
    for span in spotted:
        best = max(range(len(truths)), key=lambda t: (iou(span, truths[t]), t), default=-1)
        hit = best >= 0 and iou(span, truths[best]) >= Fraction(1, 2) and best not in taken
        taken |= {best} if hit else set()
        found.append(best if hit else -1)
    return found


def half_open(a: Span, b: Span) -> Fraction:
    """IoU of intervals from onset to offset without the last frame."""
    common = max(min(a[1], b[1]) - max(a[0], b[0]), 0)
    return Fraction(common, (a[1] - a[0]) + (b[1] - b[0]) - common)


def over_a_half(truths: dict[str, list[Span]], spotted: dict[str, list[Span]]) -> tuple[int, int, int]:
    """SL-Swin: `top_one` in videos with a truth, an IoU above a half, and [0, 0] where nothing was spotted."""
    tp = fp = 0
    for video, true in truths.items():
        taken = set()
        for span in spotted.get(video) or [(0, 0)]:
            best = max(range(len(true)), key=lambda t: (iou(span, true[t]), t))
            if iou(span, true[best]) > Fraction(1, 2) and best not in taken:
                taken.add(best)
                tp += 1
            else:
                fp += 1
    return tp, fp, sum(map(len, truths.values())) - tp


def best_of_each_truth(truths: dict[str, list[Span]], spotted: dict[str, list[Span]]) -> tuple[int, int, int]:
    """AUW-GCN: every truth points at the spotted interval of best IoU above a half; pointed at twice counts once."""
    tp = 0
    for video, spans in spotted.items():
        pointed = set()
        for true in truths.get(video, []):
            ious = [half_open(span, true) for span in spans]
            if ious and max(ious) > Fraction(1, 2):
                pointed.add(ious.index(max(ious)))
        tp += len(pointed)
    return tp, sum(map(len, spotted.values())) - tp, sum(map(len, truths.values())) - tp


def each_truth_in_turn(truths: dict[str, list[Span]], spotted: dict[str, list[Span]]) -> tuple[int, int, int]:
    """SpotFormer: truth after truth takes the spotted interval of best IoU from a half on, which is gone then."""
    tp = 0
    for video, spans in spotted.items():
        left = list(spans)
        for true in truths.get(video, []):
            best = max(left, key=lambda span: half_open(span, true), default=None)
            if best is not None and half_open(best, true) >= Fraction(1, 2):
                left.remove(best)
                tp += 1
    return tp, sum(map(len, spotted.values())) - tp, sum(map(len, truths.values())) - tp


def vanishing_duplicates(truths: dict[str, list[Span]], spotted: dict[str, list[Span]]) -> tuple[int, int, int]:
    """TSMSNet: a truth that several hit takes all but one of them out of the false positives."""
    tp = fp = 0
    for video, true in truths.items():
        hits = [sum(iou(span, one) >= Fraction(1, 2) for span in spotted.get(video, [])) for one in true]
        found = sum(count > 0 for count in hits)
        tp, fp = tp + found, fp + len(spotted.get(video, [])) - (sum(hits) - found) - found
    return tp, fp, sum(map(len, truths.values())) - tp


def every_pair(truths: dict[str, list[Span]], spotted: dict[str, list[Span]]) -> tuple[int, int, int]:
    """SFAMNet and ME-TST: each spotted interval adds as many true positives as truths that it hits, found before or not."""
    hits = [sum(iou(span, one) >= Fraction(1, 2) for one in truths.get(v, [])) for v in spotted for span in spotted[v]]
    return sum(hits), hits.count(0), sum(map(len, truths.values())) - sum(hits)


def area_of_every_pair(truths: dict[str, list[Span]], spotted: dict[str, list[Span]], threshold: Fraction) -> float:
    """SFAMNet's average precision: the same counts, interval by interval, under the highest precision that is still to come."""
    found = wrong = 0
    points = [(0.0, 0.0)]
    for video, spans in spotted.items():
        for span in spans:
            hits = sum(iou(span, one) >= threshold for one in truths.get(video, []))
            found, wrong = found + hits, wrong + (hits == 0)
            points.append((found / sum(map(len, truths.values())), found / (found + wrong)))
    best = [max(precision for _, precision in points[n:]) for n in range(len(points))]
    return sum((points[n][0] - points[n - 1][0]) * best[n] for n in range(1, len(points)))


def of_truth(
    truths: dict[str, list[Span]], every: dict[str, list[Span]], spotted: dict[str, list[Span]], videos: set[str]
) -> tuple[int, int, int]:
    """A kind under the rule of an entry to MEGC 2023: its truths that anything hits, less than its own spotted intervals or more."""
    tp = any_kind(truths, every)[0]
    return tp, sum(len(own) for v, own in spotted.items() if v in videos) - tp, sum(map(len, truths.values())) - tp


def any_kind(truths: dict[str, list[Span]], spotted: dict[str, list[Span]]) -> tuple[int, int, int]:
    """An entry to MEGC 2023: truths that anything of any kind hits, in videos with a truth; a spotted interval may serve twice."""
    tp = sum(
        any(half_open(span, true) >= Fraction(1, 2) for span in spotted.get(v, []))
        for v in truths
        for true in truths[v]
    )
    return tp, sum(len(spotted.get(v, [])) for v in truths) - tp, sum(map(len, truths.values())) - tp


def every_free(truths: list[Span], spotted: list[Span]) -> tuple[int, int, int]:
    """TP, FP, FN where a spotted interval takes all free truths that it hits."""
    taken: set[int] = set()
    tp = fp = 0
    for span in spotted:
        own = {t for t in range(len(truths)) if t not in taken and iou(span, truths[t]) >= Fraction(1, 2)}
        taken |= own
        tp += len(own)
        fp += not own
    return tp, fp, len(truths) - len(taken)
