"""SAMM Long Videos (Yap et al. 2020): macro- and micro-expressions in the recordings that SAMM was cut from."""
