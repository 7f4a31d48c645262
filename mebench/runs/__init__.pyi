from . import fold_files as fold_files
from . import folder as folder
from . import scoring as scoring
from .fold_files import ClipPrediction as ClipPrediction
from .fold_files import FoldResult as FoldResult
from .fold_files import tables_of_fold as tables_of_fold
from .folder import ORDERS as ORDERS
from .folder import RunFolder as RunFolder
