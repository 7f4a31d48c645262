from . import asking as asking
from . import endpoint as endpoint
from . import local_models as local_models
from . import marking as marking
from . import model_cards as model_cards
from . import questions as questions
from . import replies as replies
from . import wording as wording
