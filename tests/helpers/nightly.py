"""Whether the tests look further than by day: more examples, and all of what is alike."""

import os

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
