"""Plan a run, execute its folds in worker processes, keep everything in a folder, resume."""
