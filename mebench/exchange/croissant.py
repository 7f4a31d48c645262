"""Descriptions of tables in Croissant 1.0.

Catalogues of datasets find tables by them, and programs load them. A description is JSON-LD: files with their hashes, and sets of
records with typed columns (https://docs.mlcommons.org/croissant).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

FORM = "http://mlcommons.org/croissant/1.0"
MEDIA_TYPES = {".csv": "text/csv", ".zip": "application/zip"}
"""Media types of files by their endings."""
TEXT, WHOLE, REAL = "sc:Text", "sc:Integer", "sc:Float"
"""Types of columns."""
_OWN_WORDS = (
    *("citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format"),
    *("includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex"),
    *("repeated", "replace", "samplingRate", "separator", "source", "subField", "transform"),
)
"""The words of Croissant that are no words of schema.org."""


@dataclass(frozen=True)
class DescribedColumn:
    """A column of a table: its name, its type, and what it holds."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class DescribedFile:
    """A file beside the description, or within an archive.

    Attributes:
        name: path relative to the description or in the archive, with slashes.
        sha256: hash of its content.
        n_bytes: its size.
        archive: the archive that holds it; empty for a file beside the description.
    """

    name: str
    sha256: str
    n_bytes: int
    archive: str = ""


@dataclass(frozen=True)
class DescribedTable:
    """A set of records: one table.

    Attributes:
        name: its name, such as `expressions`.
        description: meaning of a row.
        file: name of the file that holds it.
        columns: its columns.
    """

    name: str
    description: str
    file: str
    columns: Sequence[DescribedColumn]


@dataclass(frozen=True)
class Description:
    """All that a description says.

    Attributes:
        name: name of the dataset.
        text: a sentence about it.
        url: page about it.
        licence: licence, or the place that states it.
        version: its version.
        citation: paper to cite, or empty.
        files: its files.
        tables: its tables.
    """

    name: str
    text: str
    url: str
    licence: str
    version: str
    citation: str = ""
    files: Sequence[DescribedFile] = ()
    tables: Sequence[DescribedTable] = ()

    def to_json_ld(self) -> dict[str, Any]:
        """The description as JSON-LD."""
        content = {
            "@context": make_context(),
            "@type": "sc:Dataset",
            "conformsTo": FORM,
            "name": self.name,
            "description": self.text,
            "url": self.url,
            "license": self.licence,
            "version": self.version,
            "citeAs": self.citation,
            "distribution": [_file_object(file) for file in self.files],
            "recordSet": [_record_set(table) for table in self.tables],
        }
        return {key: value for key, value in content.items() if value}


def make_context() -> dict[str, Any]:
    """The context of Croissant 1.0, word by word as its specification prints it."""
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        **{word: f"cr:{word}" for word in _OWN_WORDS},
        "conformsTo": "dct:conformsTo",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "dct": "http://purl.org/dc/terms/",
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "sc": "https://schema.org/",
    }


def _file_object(file: DescribedFile) -> dict[str, Any]:
    """A file with its hash."""
    ending = f".{file.name.rpartition('.')[2]}"
    content = {
        "@type": "cr:FileObject",
        "@id": file.name,
        "name": file.name,
        "contentUrl": file.name,
        "contentSize": f"{file.n_bytes} B",
        "encodingFormat": MEDIA_TYPES[ending],
        "sha256": file.sha256,
    }
    return {**content, "containedIn": {"@id": file.archive}} if file.archive else content


def _record_set(table: DescribedTable) -> dict[str, Any]:
    """A table with its columns."""
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{table.name}/{column.name}",
            "name": column.name,
            "description": column.description,
            "dataType": column.type,
            "source": {"fileObject": {"@id": table.file}, "extract": {"column": column.name}},
        }
        for column in table.columns
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": table.description,
        "field": fields,
    }
