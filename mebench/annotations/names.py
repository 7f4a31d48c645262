"""Names of columns and kinds in the field's sheets and tables, in many languages."""

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import product

from mebench.core import KINDS as KINDS, Kind

# Of several names in one table the earlier wins; one that says frame before one that may be a time, since the sheet of CASME has
# `OnsetF` in frames and `Onset` in ms. `vid` and `type` are those of the MEGC 2022 and 2023 submission files. English first; then
# German, Chinese, French, Spanish; last Japanese, Korean, Italian, Portuguese, Dutch, Russian, Polish, Turkish, Finnish.
# fmt: off
_NAMES: Mapping[str, tuple[str, ...]] = {
    "dataset": (
        "dataset", "database", "db", "corpus", "member", "data", "dataset name", "database name",
        "source dataset", "Datensatz", "Datenbank", "Korpus", "数据集", "数据库", "資料集", "資料庫",
        "jeu de données", "base de données", "conjunto de datos", "base de datos",
    ),
    "subject": (
        "subject", "subject id", "subject no", "subj", "sub", "participant", "participant id", "person",
        "subject name", "subject code", "Proband", "Probandin", "Prüfling", "Versuchsperson",
        "Teilnehmer", "Teilnehmerin", "Probanden-ID", "Probandennummer", "Versuchspersonennummer",
        "numéro du sujet", "nom du sujet", "被试", "被试编号", "被试者", "受试者", "受试者编号", "参与者", "被試", "受試者",
        "人员", "sujet", "participante", "sujeto", "persona", "personne", "被験者", "被験者番号", "参加者", "実験参加者",
        "피험자", "참가자", "피험자번호", "soggetto", "partecipante", "sujeito", "proefpersoon", "deelnemer",
        "испытуемый", "участник", "субъект", "badany", "uczestnik", "katılımcı", "denek", "koehenkilö",
    ),
    "video": (
        "video", "video id", "vid", "video name", "video code", "filename", "file", "clip", "clip name",
        "sequence", "material", "episode", "episode id", "Videoname", "Videodatei", "Datei", "Dateiname", "Aufnahme", "视频",
        "视频编号", "视频名", "视频名称", "视频文件", "文件名", "文件", "片段", "序列", "影片", "視頻", "檔名", "fichier",
        "nom du fichier", "séquence", "nom de la séquence", "extrait", "vidéo", "nom de la vidéo",
        "nombre del video", "nombre de video", "archivo", "fichero", "nombre del archivo",
        "nombre de archivo", "secuencia", "動画", "動画名", "映像", "ファイル名", "ファイル", "비디오", "영상", "동영상", "파일명",
        "vídeo", "arquivo", "ficheiro", "bestand", "bestandsnaam", "видео", "файл", "имя файла",
        "wideo", "plik", "dosya", "tiedosto",
    ),
    "onset": (
        "onset frame", "onset f", "onset", "start", "start frame", "begin", "begin frame",
        "first onset", "onset frame 1", "onset f1", "onset 1",
        "Beginn", "Anfang", "Startbild", "Anfangsbild", "起始帧", "开始帧", "起始", "开始", "起点",
        "起点帧", "起始幀", "Anfangsframe", "début", "image début", "frame inicial", "cuadro de inicio",
        "image de début", "trame de début", "inicio", "comienzo", "fotograma inicial", "cuadro inicial",
        "開始", "開始フレーム", "開始点", "시작", "시작프레임", "inizio", "fotogramma iniziale", "início",
        "quadro inicial", "beginframe", "начало", "начальный кадр", "początek", "başlangıç", "alku",
    ),
    "apex": (
        "apex frame", "apex f", "apex", "apex f1", "apex 1", "peak", "peak frame", "Höhepunkt",
        "Scheitelpunkt", "Gipfel", "顶点", "顶点帧", "峰值", "峰值帧", "高潮帧", "顶峰帧", "頂點幀", "apogée", "sommet",
        "ápice", "pico", "頂点", "頂点フレーム", "ピーク", "정점", "apice", "picco", "piek", "апекс", "пик",
        "szczyt", "tepe", "huippu",
    ),
    "offset": (
        "offset frame", "offset f", "offset", "end", "end frame", "stop", "offset frame 1", "offset f1", "offset 1",
        "Ende", "Endbild", "Schluss",
        "结束帧", "终止帧", "结束", "终止", "终点", "终点帧", "結束幀", "fin", "image de fin", "image fin",
        "cuadro de fin", "frame final", "trame de fin", "final", "fotograma final", "cuadro final",
        "終了", "終了フレーム", "終了点", "종료", "끝", "종료프레임", "fine", "fotogramma finale", "fim", "quadro final",
        "einde", "eindframe", "конец", "конечный кадр", "koniec", "bitiş", "loppu",
    ),
    "first": (
        "first f", "first frame", "first",
    ),
    "last": (
        "last f", "last frame", "last",
    ),
    "units": (
        "action units", "action unit", "AU", "AUs", "FACS", "Aktionseinheiten", "动作单元",
        "unités d'action", "unidades de acción",
    ),
    "emotion": (
        "emotion", "estimated emotion", "emotions", "label", "emotion label", "emotion class", "emo",
        "Gefühl", "Emotionslabel", "情绪", "情感", "情绪类别", "情绪标签", "情感标签", "标签", "表情", "估计情绪", "情緒",
        "émotion", "étiquette", "emoción", "emoción estimada", "etiqueta", "感情", "感情ラベル", "ラベル", "감정",
        "emozione", "emoção", "emotie", "эмоция", "emocja", "duygu", "tunne",
    ),
    "kind": (
        "kind", "type", "expression type", "exp type", "motype", "micro", "micro/macro", "ME/MaE",
        "Art", "Typ", "Ausdruckstyp", "Ausdrucksart", "类型", "表情类型", "种类", "類型", "genre",
        "type d'expression", "tipo", "tipo de expresión", "種類", "種別", "종류", "유형", "soort", "тип", "tür",
        "tyyppi",
    ),
    "objective": (
        "objective classes", "objective class", "objective", "classes", "class",
    ),
    "fps": (
        "fps", "frame rate", "fps (Hz)", "frames per second", "video fps", "fps video", "fps (frame/s)", "frame rate (fps)",
        "frame rate (Hz)", "video frame rate", "frames/s", "frame/s", "Bildrate", "Bilder pro Sekunde", "帧率",
        "幀率", "fréquence d'images", "images par seconde", "fotogramas por segundo",
        "cuadros por segundo",
    ),
    "n_frames": (
        "n frames", "frame count", "num frames", "number of frames", "total frames", "frames",
        "video length", "Bildanzahl", "Anzahl Bilder", "总帧数", "帧数", "nombre d'images",
        "número de fotogramas",
    ),
    "frame": (
        "frame", "frame index", "frame id", "frame number", "frame no", "Bild", "Bildnummer", "帧", "帧号",
        "image", "trame", "fotograma", "cuadro", "フレーム", "フレーム番号", "프레임", "fotogramma", "quadro",
        "кадр", "klatka",
    ),
    "confidence": (
        "confidence", "conf", "score", "probability", "prob", "Konfidenz", "Sicherheit", "Wahrscheinlichkeit", "置信度", "confiance",
        "confianza", "信頼度", "신뢰도", "confidenza", "confiança", "уверенность",
    ),
    "score": (
        "score", "frame score", "confidence", "conf", "value", "prediction", "Wert", "得分", "分数",
        "valeur", "valor",
    ),
}
# fmt: on
_CHINESE_ENDINGS = ("号", "编号", "序号", "名", "名称", "號", "編號")
"""Words for number and name that may follow a Chinese name."""


def _with_chinese_endings(names: Sequence[str]) -> tuple[str, ...]:
    """Names of a column; the Chinese ones also with each of `_CHINESE_ENDINGS`."""
    chinese = [name for name in names if "\u4e00" <= name[0] <= "\u9fff"]
    return (*names, *(name + ending for name, ending in product(chinese, _CHINESE_ENDINGS)))


NAMES: Mapping[str, tuple[str, ...]] = {what: _with_chinese_endings(names) for what, names in _NAMES.items()}
"""Names of each column; case, accents, blanks and signs make no difference (`plain_name`)."""


@functools.lru_cache(4096)
def plain_name(text: str) -> str:
    """Letters and digits only, without case and accents.

    >>> plain_name("Onset Frame") == plain_name("onset_frame") == plain_name("OnsetFrame ")
    True
    >>> plain_name("Début"), plain_name("起始帧")
    ('debut', '起始帧')
    """
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKD", text.casefold()))


STARTS = ("tstart", "starttime", "onsettime", "onsetseconds", "onsetsec", "startseconds", "startsec")
STOPS = ("tend", "endtime", "offsettime", "offsetseconds", "offsetsec", "endseconds", "endsec")
"""Names of columns that hold seconds."""
OWN = {"emotion": ("class",), "onset": STARTS, "offset": STOPS}
"""Names that a table of answers may have, and a sheet has for something else."""
ALIASES: dict[str, tuple[str, ...]] = {
    name: (*map(plain_name, names), *OWN.get(name, ())) for name, names in NAMES.items()
}
OWNERS = {
    "predictions": ("pred", "predicted", "prediction", "spotted", "detected"),
    "truth": ("gt", "true", "truth", "groundtruth", "annotated", "actual", "target"),
    "frame scores": ("pred", "predicted"),
}
"""Words for the side to which a column belongs, which may precede its name: `pred_onset`."""
ALONE = {
    "predictions": ("predicted", "prediction", "pred", "ypred", "yhat"),
    "truth": ("true", "truth", "gt", "ytrue", "groundtruth", "actual", "target"),
}
"""Words for a side that may stand alone, as the name of the column of its emotions."""
_ALL_ALIASES = [alias for aliases in ALIASES.values() for alias in aliases]
_ALL_OWNERS = ["", *(owner for owners in OWNERS.values() for owner in owners)]
KNOWN = frozenset(owner + alias for owner, alias in product(_ALL_OWNERS, _ALL_ALIASES)).union(*ALONE.values())
"""All names that some column may have."""
# fmt: off
BLANK = frozenset((
    "", "nan", "na", "n/a", "#n/a", "<na>", "null", "none", "-", "--", "/", "\\", "?", "–", "—", "−",
    "k.a.", "无", "無",
))
# fmt: on
"""How programs and annotators write that there is nothing (`/` is an unmarked apex in the sheets of CASME II)."""
_SHORT: Mapping[str, Kind] = {"me": "micro", "mie": "micro", "mi": "micro", "mae": "macro", "ma": "macro"}
_WORDS: Mapping[str, Kind] = {
    **dict.fromkeys(map(plain_name, ("micro", "mikro", "микро", "微", "マイクロ", "미세")), "micro"),
    **dict.fromkeys(map(plain_name, ("macro", "makro", "макро", "宏", "マクロ", "매크로")), "macro"),
}


def kind_of(cell: str) -> Kind | None:
    """`micro` or `macro` as written in the field's files, or None.

    >>> [kind_of(cell) for cell in ("Micro - 1/2", "macro-expression", "MaE", "me", "mirco", "Mikroexpression", "宏表情")]
    ['micro', 'macro', 'macro', 'micro', None, 'micro', 'macro']
    """
    word = re.sub(r"\d", "", plain_name(cell))
    for beginning, kind in _WORDS.items():
        if word.startswith(beginning):
            return kind
    return _SHORT.get(word)


# fmt: off
DATABASES = frozenset((
    "casme", "casme1", "casme2", "casmeii", "casmesq", "casmesquared", "casme3", "casmeiii", "samm",
    "sammlv", "smic", "smichs", "smicvis", "smicnir", "smice", "mmew", "4dme", "dfme", "meview", "megc2019",
    "ck+", "ck",
))
# fmt: on
"""Names of the field's databases as columns hold them, without punctuation."""


# fmt: off
_TOTALS = frozenset((
    "total", "totals", "subtotal", "overall", "sum", "sums", "count", "mean", "average", "median", "sd",
    "std", "n", "summe", "gesamt", "anzahl", "mittelwert", "durchschnitt", "总计", "合计", "总数", "共计", "平均",
    "平均值", "合計", "小计", "zwischensumme", "insgesamt", "totaux", "somme", "moyenne", "suma", "promedio",
    "media", "totales",
))
# fmt: on
"""Words for a sum or a mean, in the languages of `NAMES`."""


def is_total(text: str) -> bool:
    """Whether a text begins with a word for a sum or a mean.

    >>> is_total("Total 255"), is_total("合计：57"), is_total("sub01 happiness")
    (True, True, False)
    """
    words = text.replace("：", " ").replace(":", " ").replace("=", " ").split()
    return bool(words) and plain_name(words[0]) in _TOTALS


def is_note_or_sum(named: Sequence[str], frames: Sequence[str], first: str) -> bool:
    """Whether a row below a table is no annotation.

    It has a sum in place of a name, or lacks a name and has no frame number.

    Args:
        named: cells of the columns that name people and videos.
        frames: cells of frame numbers.
        first: first cell of the row with something in it.

    >>> is_note_or_sum(["Total", "2"], ["30"], "Total"), is_note_or_sum(["SD", "a"], [""], "SD"), is_note_or_sum(["", "a"], ["30"], "30")
    (True, False, False)
    """
    if any(_names_a_sum(name) for name in named):
        return True
    if all(named):
        return False
    has_frame_number = any(re.search(r"\d", cell) for cell in frames)
    return is_total(first) or not has_frame_number


def _names_a_sum(name: str) -> bool:
    """Whether a name is a word for a sum. Shorter ones, such as SD, may be a person's."""
    fewest = 3 if name.isascii() else 2
    return is_total(name) and len(name) >= fewest


INDEX = ("idx", "index", "id", "no", "nr", "num", "number", "code", "int", "flag")
"""Words behind the name of a column that holds numbers for it: `type_idx`."""
_OF_FRAMES = frozenset(
    (*INDEX, "frame", "frames", "bild", "image", "trame", "fotograma", "cuadro", "de", "d", "l", "del", "du", "der")
)
"""Words that say of an onset, an apex or an offset no more than that it is a frame: `Beginn (Frame)`, `Fotograma de
inicio`.
"""


def header_words(header: str) -> list[str]:
    """The words of a compound name.

    >>> header_words("type_idx"), header_words("OnsetFrame2"), header_words("expr-type (ME)"), header_words("N° 被试ID")
    (['type', 'idx'], ['onset', 'frame', '2'], ['expr', 'type', 'me'], ['no', '被试', 'id'])
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d])(?=\d)|(?<=[\u4e00-\u9fff])(?=[A-Za-z])", " ", header)
    spaced = re.sub(r"\b[Nn][°º]", "no ", spaced)
    plain_words = [plain_name(word) for word in re.split(r"[\W_]+", spaced)]
    return [word for word in plain_words if word]


def names_columns(cells: Sequence[str]) -> int:
    """The number of different columns that some cells name, directly or by a compound name.

    >>> names_columns(["Video", "onset_no", "our coding", "vid", "video"]), names_columns(["start_s", "end_s"])
    (3, 2)
    """
    named: set[str] = set()
    for cell in cells:
        words = [word for word in header_words(cell) if word not in _OF_FRAMES]
        named |= KNOWN & {plain_name(cell), "".join(words)}
        name_of_time, _ = time_column(cell)
        if name_of_time:
            named.add(name_of_time)
    return len(named)


# fmt: off
RATE_WORDS = frozenset(map(plain_name, (
    "fps", "Hz", "Hertz", "rate", "framerate", "freq", "frequency", "sr", "samplerate", "cadence", "Bildrate", "Bildfrequenz",
    "Abtastrate", "帧率", "采样率", "频率", "fréquence", "frecuencia", "частота", "フレームレート", "프레임레이트", "주사율",
)))
# fmt: on
"""Words for a frame rate, in the names of columns whose numbers could be some."""
UNITS_OF_TIME = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 0.001),
}
"""Seconds in a unit of time, by the last word of a column's name."""


def time_column(header: str) -> tuple[str, float]:
    """The column that a header names in a unit of time, and that unit.

    The name is empty for any other header.

    >>> time_column("start_ms"), time_column("end (s)"), time_column("starts")
    (('onset', 0.001), ('offset', 1.0), ('', 0.0))
    """
    *words, unit = header_words(header) or [""]
    if unit in UNITS_OF_TIME:
        for name in ("onset", "apex", "offset"):
            if "".join(words) in ALIASES[name]:
                return name, UNITS_OF_TIME[unit]
    return "", 0.0


CODES: Mapping[str, Kind] = {"1": "macro", "2": "micro"}
"""Kinds by number, as the lists have them that come with AUW-GCN, MULT-MicroExpressionSpot and USTC_ME_Spotting."""


def compound_columns(
    headers: Sequence[str], found: Mapping[str, int], wanted: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """Unread columns named after a wanted one and a word for a number.

    Args:
        headers: headers of the table.
        found: positions of the columns that are read.
        wanted: the plain names of each wanted column.

    >>> names = {"video": ["video"], "onset": ["onsetframe", "onset"], "kind": ["type"]}
    >>> compound_columns(["video", "type_idx", "OnsetFrameNo", "onset_s"], {"video": 0}, names)
    {'onset': 2, 'kind': 1}
    """
    position_by_name: dict[str, int] = {}  # of names without a word for a number
    position_by_frame_name: dict[str, int] = {}  # of names without words for a frame
    for position, header in reversed([*enumerate(headers)]):  # of several the first counts, so it is written last
        if position in found.values():
            continue
        words = header_words(header)
        for rest in _without_word_for_number(words):
            position_by_name["".join(word for word in rest if word != "de")] = position
        position_by_frame_name["".join(word for word in words if word not in _OF_FRAMES)] = position
    columns = {}
    for name, aliases in wanted.items():
        if name in found:
            continue
        is_frame_number = name in ("onset", "apex", "offset")
        positions = position_by_name | position_by_frame_name if is_frame_number else position_by_name
        present = [alias for alias in aliases if alias in positions]
        if present:
            columns[name] = positions[present[0]]
    return columns


def _without_word_for_number(words: Sequence[str]) -> list[Sequence[str]]:
    """The other words of a name that ends or begins with a word of `INDEX`."""
    rests = []
    if words and words[-1] in INDEX:
        rests.append(words[:-1])
    if words and words[0] in INDEX:
        rests.append(words[1:])
    return rests
