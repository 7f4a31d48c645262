"""SpotFormer: attention over regions and frames of short windows, at three scales of the face (Deng, Hayashi, Nagahara 2024)."""
