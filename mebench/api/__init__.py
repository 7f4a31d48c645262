"""What `import mebench` gives: the verbs as functions, with results as objects; each module loads what it needs when it is used."""

from mebench.api.board import leaderboard, listed
from mebench.api.files import Comparison, Scores, compare, score
from mebench.api.own import Spottings, TrainedModel, evaluate, load_model, spot
from mebench.api.runs import Run, Sweep, load_run, resume, run, sweep

__all__ = [
    "Comparison",
    "Run",
    "Scores",
    "Spottings",
    "Sweep",
    "TrainedModel",
    "compare",
    "evaluate",
    "leaderboard",
    "listed",
    "load_model",
    "load_run",
    "resume",
    "run",
    "score",
    "spot",
    "sweep",
]
