"""Settings under which every method reads what mebench computes."""

COMPUTED = {
    "sfamnet": {"features": "flow"},
    **{id_: {"features": "motion"} for id_ in ("actionformer", "concat_cnn", "lgsnet")},
}
"""Of methods whose own features only a dataset brings, what mebench computes in their place."""
