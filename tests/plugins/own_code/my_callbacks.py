"""A user's callback that writes a file."""

from pathlib import Path

import lightning as L


class Counting(L.Callback):
    """Writes the number of each epoch into the working folder."""

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Add a line."""
        with Path("epochs.txt").open("a") as file:
            file.write(f"{trainer.current_epoch}\n")
