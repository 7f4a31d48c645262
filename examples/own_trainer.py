"""A timm backbone on flow maps, with a Trainer of one's own, judged as a run is: python own_trainer.py DATASET_ROOT [FOLDS]."""

import sys

import lightning as L
import timm
import torch
from torch.nn import functional as F

import mebench


class Backbone(L.LightningModule):
    """ResNet-10 that names emotions."""

    def __init__(self, n_classes, weights):
        super().__init__()
        self.network = timm.create_model("resnet10t", in_chans=3, num_classes=n_classes)
        self.register_buffer("weights", weights)

    def forward(self, x):
        return self.network(x / 255)

    def training_step(self, batch, index):
        x, y = batch
        return F.cross_entropy(self(x), y, self.weights)

    def validation_step(self, batch, index):
        x, y = batch
        self.log("val_loss", F.cross_entropy(self(x), y))

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


answers = []
dataset = {"name": "megc2019_flow", "root": sys.argv[1]}
for fold in range(int(sys.argv[2]) if len(sys.argv) > 2 else 3):
    dm = mebench.MEDataModule(dataset, protocol="loso", fold=fold, batch_size=64)
    model = Backbone(len(dm.classes), dm.weights)
    trainer = L.Trainer(max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False)
    trainer.fit(model, datamodule=dm)
    answers.append((dm, trainer.predict(model, datamodule=dm)))
print(mebench.score_folds(answers).scores.loc[["recognition.uf1", "recognition.uar"], ["value", "low", "high"]])
