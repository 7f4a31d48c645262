from . import outcome as outcome
from . import records as records
from . import run_studies as run_studies
from . import space as space
from . import study as study
