"""The optical-flow maps of both phases of the MEGC 2019 composite, as published by the authors of CausalNet."""
