"""CAS(ME)3 (Li et al. 2023): macro- and micro-expressions in long videos, in colour and depth."""
