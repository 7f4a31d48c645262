"""Which libraries make the features, told without importing them."""

from __future__ import annotations

import functools
from importlib.metadata import PackageNotFoundError, version


@functools.cache
def opencv_version() -> str:
    """Version of the installed OpenCV with its contributed modules, part of every key of the feature store."""
    for package in ("opencv-contrib-python-headless", "opencv-contrib-python"):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    import cv2  # installed some other way

    return str(cv2.__version__)


@functools.cache
def library_version(package: str) -> str:
    """Version of an installed package, part of the identity of the steps whose numbers it makes."""
    return version(package)
