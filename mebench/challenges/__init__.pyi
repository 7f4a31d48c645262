from . import bundle as bundle
from . import entry as entry
from . import register as register
from .register import ChallengeTask as ChallengeTask
