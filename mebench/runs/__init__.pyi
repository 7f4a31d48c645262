from . import fold_files as fold_files
from . import fold_result as fold_result
from . import folder as folder
from . import scoring as scoring
