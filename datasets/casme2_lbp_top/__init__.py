"""LBP-TOP histograms of the clips of CASME II, as published with the code of Khor et al. 2018."""
