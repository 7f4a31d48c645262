"""Settings under which every method needs nothing but what mebench computes."""

COMPUTED = {
    "emr": {"start": "random"},
    "sfamnet": {"features": "flow"},
    **{id_: {"features": "motion"} for id_ in ("actionformer", "concat_cnn", "lgsnet")},
}
"""Of methods whose own features only a dataset brings, or whose weights only a user, what takes their place."""
