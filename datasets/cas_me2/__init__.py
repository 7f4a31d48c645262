"""CAS(ME)2 (Qu et al. 2018): macro- and micro-expressions in long videos."""
