"""The metrics of a run's summary, by name, with range and meaning. No imports, so that `mebench list` stays fast."""

METRICS: dict[str, str] = {
    "precision": "0 to 1, higher is better: share of the spotted intervals that are right, tp / (tp + fp)",
    "recall": "0 to 1, higher is better: share of the true intervals that were spotted, tp / (tp + fn)",
    "f1": "0 to 1, higher is better: harmonic mean of precision and recall (in analysis of their class means)",
    "ap50": "0 to 1, higher is better: average precision of the intervals ranked by confidence, at IoU 0.5",
    "ap": "0 to 1, higher is better: average precision, averaged over the IoU thresholds 0.5, 0.55 to 0.95",
    "asr": "0 to 1, higher is better: apex spotting rate, true intervals with a confidently spotted apex inside",
    "apex_mae_ms": "milliseconds, 0 or more, lower is better: mean distance of spotted from true apexes",
    "fp_per_minute": "per minute of video, 0 or more, lower is better: spotted intervals that are wrong",
    "strs": "0 to 1, higher is better: spot-then-recognize score, spotting f1 x analysis f1 of the true positives",
    "accuracy": "0 to 1, higher is better: share of the clips with the right class",
    "uf1": "0 to 1, higher is better: unweighted F1, the mean of the classes' F1",
    "uar": "0 to 1, higher is better: unweighted average recall, the mean of the classes' recall",
    "wf1": "0 to 1, higher is better: the classes' F1, weighted by their number of clips",
}
