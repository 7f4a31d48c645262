"""XML of others within limits: elements, levels, and no entities."""

from pathlib import PurePath
from typing import Any
from xml.etree import ElementTree

from mebench.errors import DataError
from mebench.limits import EAF_ELEMENTS, EAF_LEVELS


def read_bounded_xml(raw: bytes, path: PurePath, root: str, program: str) -> ElementTree.Element:
    """The root element of an XML file within the limits.

    Args:
        raw: its content.
        path: its name, for sentences.
        root: tag of its root.
        program: the program that writes it.

    Raises:
        DataError: it is too large, too deep, has another root, declares entities, or is no XML.
    """
    parser = ElementTree.XMLParser(target=_Bounded(path, root, program))
    try:
        parser.feed(raw)
        tree: ElementTree.Element = parser.close()
    except ElementTree.ParseError as error:
        raise DataError(f"{path} is not XML ({error}): save it again in {program}") from None
    except (ValueError, LookupError) as error:  # an encoding that expat does not know
        raise DataError(f"{path} cannot be read ({error}): save it again in {program}") from None
    return tree


class _Bounded(ElementTree.TreeBuilder):
    """Refuses, while reading, content that the program does not write or that is too large."""

    def __init__(self, path: PurePath, root: str, program: str) -> None:
        super().__init__()
        self._path = path
        self._root = root
        self._program = program
        self._depth = 0
        self._elements = 0

    def doctype(self, *_: Any) -> None:
        """Refuse a document type."""
        raise DataError(
            f"{self._path} declares a document type or entities, which {self._program} never writes, so it is refused"
        )

    def start(self, tag: str, attrs: Any) -> ElementTree.Element:  # type: ignore[override]
        """Begin an element, unless the document is too large, too deep or another one."""
        if self._elements >= EAF_ELEMENTS:
            raise DataError(f"{self._path} has more than {EAF_ELEMENTS:,} elements, the most that mebench reads")
        if self._depth >= EAF_LEVELS:
            raise DataError(f"{self._path} is nested more than {EAF_LEVELS} deep, as no file of {self._program} is")
        if not self._elements and tag != self._root:
            raise DataError(
                f"{self._path} is not a file of {self._program}: it begins with <{tag[:40]}>, not <{self._root}>"
            )
        self._depth += 1
        self._elements += 1
        return super().start(tag, attrs)

    def end(self, tag: str) -> ElementTree.Element:
        """End an element."""
        self._depth -= 1
        return super().end(tag)
