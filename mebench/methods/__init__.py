"""Method plugins: `mebench.methods.<id>`. In a checkout they live in the top-level folder `methods/`. Called, it lists them."""

import sys

from mebench._checkout import Listed, beside_checkout

__path__ = [*__path__, *beside_checkout("methods")]
sys.modules[__name__].__class__ = Listed
