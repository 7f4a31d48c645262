"""MTSN: flow over two gaps in two streams of shared weights (Liong, Liong, See and Chan 2022)."""
