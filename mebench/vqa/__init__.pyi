from . import asking as asking
from . import endpoint as endpoint
from . import marking as marking
from . import questions as questions
from . import replies as replies
from . import wording as wording
