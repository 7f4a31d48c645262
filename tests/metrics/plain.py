"""Plain readings of the rules, one interval at a time, to compare with."""

from fractions import Fraction

import pandas as pd

from mebench.metrics.tables import Tables

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
    said = pd.concat([empty, *spotted], ignore_index=True)
    confidence = [1 - n / (len(said) + 1) for n in range(len(said))]
    return Tables(
        about.assign(**videos),
        pd.concat([empty, *truths], ignore_index=True),
        said.assign(confidence=confidence, draw=0),
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
