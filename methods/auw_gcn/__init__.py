"""AUW-GCN: a graph of regions that move together, weighed by action units (Yin et al. 2023)."""
