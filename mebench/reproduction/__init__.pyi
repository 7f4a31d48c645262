from . import reproduce as reproduce
from . import rescore as rescore
