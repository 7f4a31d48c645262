"""Main directional mean optical flow, and a linear SVM."""
