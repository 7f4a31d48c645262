"""Drawn features of eight videos of four people in five layouts, each with a list of the expressions."""

import pickle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mebench.annotations.drawn import empty_folder, write_csv

from .readers import CACHED, EDGE, FPS, GROUPS, I3D_WIDTH, KEPT, PLACES, STEPS

PEOPLE, VIDEOS, SECONDS = 4, 2, 24
SEGMENT = 256
WINDOWS = {"samm_lv": 30, "casme3": 50}
"""Frames of a window of ME-TST and BoostingVRME."""
EIGHTEEN = (0, 0, 1, 2, 3, 3, 4, 5, *(8,) * 6, 6, 7, 6, 7)
"""Place among the twelve regions of each of BoostingVRME's eighteen."""
Spans = list[tuple[str, float, float, float]]
LIST = ("subject", "video_name", "start_frame", "apex_frame", "end_frame", "type_idx", "au")
CASME3 = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion")
RELEASED = ("subject", "video", "type", "type_idx", "startFrame", "endFrame", "frame_num", "length")


def spans_of(person: int, video: int) -> Spans:
    """Kind, onset, apex and offset in seconds."""
    rng = np.random.default_rng([person, video])
    found: Spans = []
    for place, start in enumerate(range(3, SECONDS - 5, 5)):
        kind, length = ("micro", 0.4) if place % 3 else ("macro", 1.6)
        onset = start + float(rng.uniform(0, 2))
        found.append((kind, onset, onset + length / 2, onset + length))
    return found


def motion(spans: Spans, fps: float, seed: int) -> NDArray[np.float64]:
    """(frames - 1, 12, 2): the brows rise to an apex and come back, in a macro-expression the mouth, too; the rest is
    noise.
    """
    n = int(SECONDS * fps)
    place = np.zeros((n, 12, 2))
    when = np.arange(n) / fps
    for kind, onset, _, offset in spans:
        inside = (when >= onset) & (when <= offset)
        rise = 0.5 * (1 - np.cos(2 * np.pi * (when[inside] - onset) / (offset - onset)))
        place[inside, :6, 1] -= (1.5 if kind == "micro" else 3.0) * rise[:, None]
        if kind == "macro":
            place[inside, 8:, 0] += 3.0 * rise[:, None]
    noise = np.random.default_rng(seed).normal(0, 0.02, (n - 1, 12, 2))
    return np.asarray(np.diff(place, axis=0) + noise)


def write(folder: Path) -> None:
    """Draw them in `folder`, which is empty or not there yet: `abpn` is directly in it, the others are in folders of
    their names. As in ME-TST's repository, its windows of CAS(ME)³ lie beside those of SAMM Long Videos.
    """
    empty_folder(folder)
    lists: dict[str, list[tuple[object, ...]]] = {
        "abpn": [LIST],
        "spotformer": [LIST],
        "lgsnet": [RELEASED],
        "me_tst": [RELEASED],
        "boosting_vrme": [RELEASED],
    }
    cache: dict[str, list[list[NDArray[np.float64]]]] = {"samm_lv": [], "casme3": [], "boosting_vrme": []}
    listed: list[tuple[object, ...]] = [CASME3]
    for person in range(6, 6 + PEOPLE):
        for video in range(1, VIDEOS + 1):
            subject, name, spans = f"{person:03d}", f"{person:03d}_{video}", spans_of(person, video)
            series = {
                layout: motion(spans, FPS["samm_lv"] / STEPS[layout, "samm_lv"], person * 10 + video)
                for layout in lists
            }
            _segments(folder / "train" / f"samm_{subject}", f"samm_{name}", series["abpn"], spans)
            _windows_around(folder / "spotformer" / f"samm_{subject}", f"samm_{name}", series["spotformer"])
            _i3d(folder / "lgsnet", name, series["lgsnet"])
            cache["samm_lv"].append(_since_first(_of_five(series["me_tst"]), "samm_lv"))
            in_casme3 = motion(spans, FPS["casme3"], person * 10 + video)
            cache["casme3"].append(_since_first(_of_five(in_casme3), "casme3"))
            eighteen = series["boosting_vrme"][:, list(EIGHTEEN)]
            cache["boosting_vrme"].append(_since_first(eighteen, "samm_lv"))
            for kind, *times in spans:
                if kind == "micro":
                    numbers = [int(time * FPS["casme3"]) + 1 for time in times]
                    listed.append((f"spNO.{person}", "ab"[video - 1], *numbers, "1+2", "II", "surprise"))
            for layout, rows in lists.items():
                fps = FPS["samm_lv"] / (1 if rows[0] is RELEASED and layout != "lgsnet" else STEPS[layout, "samm_lv"])
                for kind, *times in spans:
                    onset, apex, offset = (int(time * fps) for time in times)
                    code = 2 if kind == "micro" else 1
                    if rows[0] is LIST:
                        units = "1+2" if code == 2 else "1+2+12"
                        rows.append((f"samm_{subject}", f"samm_{name}", onset, apex, offset, code, units))
                        continue
                    named = (
                        "Micro" if code == 2 else "Macro",
                        code,
                        onset + 1,
                        offset + 1,
                        int(SECONDS * fps),
                        offset - onset,
                    )
                    rows.append((subject, f"./SAMM_longvideos/{name}", *named))
    (folder / "me_tst").mkdir()
    (folder / "me_tst" / f"{CACHED['samm_lv']}.pkl").write_bytes(pickle.dumps(cache["samm_lv"]))
    (folder / "boosting_vrme").mkdir()
    (folder / "boosting_vrme" / f"{CACHED['samm_lv']}.pkl").write_bytes(pickle.dumps(cache["boosting_vrme"]))
    for part in range(5):
        videos = cache["casme3"][part * PEOPLE * VIDEOS // 5 : (part + 1) * PEOPLE * VIDEOS // 5]
        (folder / "me_tst" / f"{CACHED['casme3']}_{part + 1}.pkl").write_bytes(pickle.dumps(videos))
    write_csv(folder / "me_tst_casme3.csv", listed)  # type: ignore[arg-type]
    for layout, rows in lists.items():
        write_csv(folder / f"{layout}.csv", rows)  # type: ignore[arg-type]


def _segments(home: Path, name: str, series: NDArray[np.float64], spans: Spans) -> None:
    """Write segments with their edges and labels, as `new_feature_segment.py` of AUW-GCN does; ABPN reads the same layout.

    A segment overlaps the next one by both edges. The columns of the labels are onset, apex, offset and inside, of
    micro-expressions (0 to 3) and of macro-expressions (4 to 7).
    """
    home.mkdir(parents=True, exist_ok=True)
    labels, fps = np.zeros((len(series), 8), int), FPS["samm_lv"] / STEPS["abpn", "samm_lv"]
    for kind, *times in spans:
        onset, apex, offset = (int(time * fps) for time in times)
        column = 0 if kind == "micro" else 4
        labels[[onset, apex, offset], [column, column + 1, column + 2]] = 1
        labels[onset : offset + 1, column + 3] = 1
    whole = -(-len(series) // SEGMENT) * SEGMENT
    around = (EDGE, EDGE + whole - len(series))
    features, marks = np.pad(series, (around, (0, 0), (0, 0))), np.pad(labels, (around, (0, 0)))
    for first in range(0, whole, SEGMENT):
        part = slice(first, first + SEGMENT + 2 * EDGE)
        np.savez(home / f"{name}_{first:04d}.npz", feature=features[part], label=marks[part], video_name=name)


def _windows_around(home: Path, name: str, series: NDArray[np.float64]) -> None:
    """How far 13 regions have moved since the first of the 17 frames around each, as SpotFormer reads them."""
    home.mkdir(parents=True, exist_ok=True)
    regions = np.zeros((len(series), 13, 2))
    regions[:, list(KEPT)] = series[:, list(PLACES)]
    place = np.concatenate([np.zeros((9, 13, 2)), np.cumsum(regions, axis=0)])
    place = np.concatenate([place, np.repeat(place[-1:], 8, axis=0)])
    windows = np.stack([place[first : first + 17] - place[first] for first in range(len(series))])
    np.save(home / f"{name}.npy", windows.astype(np.float32))


def _of_five(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """The motion of ME-TST's five regions, (frames - 1, 5, 2)."""
    return np.stack([series[:, list(group)].mean(1) for group in GROUPS], axis=1)


def _since_first(series: NDArray[np.float64], of: str) -> list[NDArray[np.float64]]:
    """How far regions have moved since the first frame of each window, u and v below each other, as the caches of ME-TST
    and BoostingVRME have them.
    """
    place = np.concatenate([np.zeros((1, *series.shape[1:])), np.cumsum(series, axis=0)]).reshape(len(series) + 1, -1)
    window = WINDOWS[of]
    half = window // 2
    firsts = range(0, (len(place) // half - 1) * half, half)
    return [(place[first : first + window] - place[first]).T for first in firsts]


def _i3d(home: Path, name: str, series: NDArray[np.float64]) -> None:
    """Numbers of the motion of eight frames, at every other one, spread over as many channels as I3D has, for both
    streams.
    """
    home.mkdir(parents=True, exist_ok=True)
    count = (len(series) - 8) // 2 + 1
    chunks = np.stack([series[2 * i : 2 * i + 8].sum(0).ravel() for i in range(count)])
    for stream, seed in (("rgb", 1), ("flow", 2)):
        spread = np.random.default_rng(seed).normal(0, 0.2, (24, I3D_WIDTH))
        feature = np.maximum(chunks @ spread, 0)[None].astype(np.float32)
        np.savez(home / f"{name}-{stream}.npz", feature=feature, frame_cnt=len(series), video_name=f"./merged/{name}")
