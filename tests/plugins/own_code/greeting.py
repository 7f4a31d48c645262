"""A user's callback that writes a file at the end."""

from pathlib import Path

import lightning as L


class Greets(L.Callback):
    """Writes the number of epochs and the network's name into the working folder."""

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write them."""
        Path("hello.txt").write_text(f"{trainer.current_epoch} epochs of {type(pl_module).__name__}")
