"""Method plugins: `mebench.methods.<id>`. In a checkout they live in the top-level folder `methods/`. Called, it lists them."""

import sys

from mebench._checkout import Listed, checkout_folder

__path__ = [*__path__, *checkout_folder("methods")]
sys.modules[__name__].__class__ = Listed
