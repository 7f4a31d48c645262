from . import dataset_summary as dataset_summary
from . import scheme_remark as scheme_remark
from . import soundness as soundness
from . import tiles as tiles
from .dataset_summary import open_members as open_members
from .dataset_summary import summarise_members as summarise_members
from .soundness import Verification as Verification
from .soundness import verify_dataset as verify_dataset
