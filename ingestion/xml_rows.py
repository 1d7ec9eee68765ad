"""Rows of an XML document, one at a time, so that a document may be larger than memory."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

_STEP = 1 << 20


class NotWellFormedError(ValueError):
    """The document is no XML from this line on."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


@dataclass
class _Open:
    """An element that has begun."""

    path: str
    text: list[str] = field(default_factory=list)
    has_children: bool = False


class _Rows:
    """What the parser calls: collects the elements of one name as rows."""

    def __init__(self, element: str) -> None:
        self._element = element
        self._open: list[_Open] = []
        self._row: dict[str, list[str]] | None = None
        self.done: list[dict[str, str]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = _local(tag)
        if self._row is None:
            if name != self._element:
                return
            self._row, path = {}, ""
        else:
            self._open[-1].has_children = True
            above = self._open[-1].path
            path = f"{above}.{name}" if above else name
        self._open.append(_Open(path))
        for attribute, value in attributes.items():
            self._put(f"{path}.{_local(attribute)}" if path else _local(attribute), value)

    def data(self, text: str) -> None:
        if self._open:
            self._open[-1].text.append(text)

    def end(self, tag: str) -> None:
        if self._row is None:
            return
        ended = self._open.pop()
        if ended.path and not ended.has_children:
            self._put(ended.path, "".join(ended.text).strip())
        if not self._open:
            self.done.append(
                {
                    name: values[0] if len(values) == 1 else json.dumps(values, ensure_ascii=False)
                    for name, values in self._row.items()
                }
            )
            self._row = None

    def close(self) -> None:
        """Nothing is left to say."""

    def _put(self, name: str, value: str) -> None:
        assert self._row is not None  # called inside a row only
        self._row.setdefault(name, []).append(value)


def rows(file: Path, element: str) -> Iterator[dict[str, str]]:
    """Every element of that local name: column → text.

    Args:
        file: UTF-8, whatever its first line says.

    Raises:
        NotWellFormedError: from the first line that is no XML.
    """
    found = _Rows(element)
    parser = ElementTree.XMLParser(target=found, encoding="utf-8")
    try:
        with file.open("rb") as content:
            while piece := content.read(_STEP):
                parser.feed(piece)
                yield from found.done
                found.done.clear()
        parser.close()
    except ElementTree.ParseError as error:
        raise NotWellFormedError(error.position[0]) from None


def _local(name: str) -> str:
    return name.rpartition("}")[2]
