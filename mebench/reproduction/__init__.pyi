from . import choices as choices
from . import reproduce as reproduce
from . import rescore as rescore
