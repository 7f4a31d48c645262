"""A linear SVM on motion maps of the whole face."""
