from . import combined_run as combined_run
from . import rules as rules
from .combined_run import combine_runs as combine_runs
