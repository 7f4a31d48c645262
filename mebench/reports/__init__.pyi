from . import compare_runs as compare_runs
from . import dataset_report as dataset_report
from . import model_card as model_card
from . import plots as plots
from . import report as report
from . import scores as scores
from . import spotted as spotted
from . import timeline as timeline
