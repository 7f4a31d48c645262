"""Ourlab faces: a sheet with a row for each expression, and a folder of images for each video."""

from mebench.annotations import Header, Layout, SheetDataset, by_name, three_classes
from mebench.core import Scheme

from .params import Params as _Params

LABELS = ("happiness", "surprise", "disgust", "repression")


class OurlabFaces(SheetDataset):
    """The sheet is found and read by the names of its columns; what is repaired is listed by `mebench data verify`."""

    Params = _Params
    id = "ourlab_faces"
    revision = "1"  # raise it whenever the numbers of the dataset change
    kinds = ("micro", "macro")
    fps = 30.0
    files = ("annotations.csv", "annotations.xlsx")
    forms = (Header(required=("subject", "video", "onset", "offset", "kind", "emotion")),)
    layout = Layout(example="frames/s01/v1/00001.jpg", folder="{subject}/{video}", homes=("frames",))
    schemes = by_name(Scheme.native(LABELS), three_classes("three", ("disgust", "repression")))


Plugin = OurlabFaces
