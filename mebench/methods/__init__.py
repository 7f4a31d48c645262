"""Method plugins: `mebench.methods.<id>`. In a checkout they live in the top-level folder `methods/`. Called, it lists them."""

import sys

from mebench._installation import checkout_folder
from mebench.plugin_packages import Listed

__path__ = [*__path__, *checkout_folder("methods")]
sys.modules[__name__].__class__ = Listed
