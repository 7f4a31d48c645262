"""The optical-flow maps of the MEGC 2019 composite, as published by the authors of STSTNet."""
