"""Settings under which every method reads what mebench computes."""

COMPUTED = {"concat_cnn": {"features": "motion"}, "sfamnet": {"features": "flow"}}
"""Of methods whose own features only a dataset brings, what mebench computes in their place."""
