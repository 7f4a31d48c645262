"""A user's callback that holds numbers."""

import lightning as L
import torch


class Mine(L.Callback):
    """Does nothing."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.weights = torch.ones(3)
