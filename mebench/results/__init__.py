"""Tables that compare runs: collected from run folders and committed records, never recomputed."""
