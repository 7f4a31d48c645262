"""Local temporal patterns of the face, and a linear SVM."""
