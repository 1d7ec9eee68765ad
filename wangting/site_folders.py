"""Of which folders is a site made? Its own, and, where it says `inherits`, what it takes over from another site.

A site takes over the other's sources (`sources/<name>`), staging (`staging/<name>`) and seeds (file by file) unless it
has its own of that name or leaves it out by `without`. Maps of codes go by source: what the nearer says of a source
counts alone, all other sources keep the maps of the site that they come from.
"""

import csv
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from wangting import declared, settings
from wangting.errors import WangtingError

CODE_MAPS = "code_maps.csv"
CodeMaps = dict[str, dict[str, dict[str, str]]]


@dataclass(frozen=True)
class Folders:
    """What a site is made of.

    Attributes:
        chain: the site's own folder, then the one it inherits from, then that one's, and so on.
        sources: name → source.yml. staging: name → folder of models. seeds: file name → file.
        code_maps: the files with maps of codes, the strongest first: what an earlier one says of a source counts alone.
        left_out: the names that the site itself leaves out.
    """

    chain: tuple[Path, ...]
    sources: dict[str, Path] = field(default_factory=dict)
    staging: dict[str, Path] = field(default_factory=dict)
    seeds: dict[str, Path] = field(default_factory=dict)
    code_maps: tuple[Path, ...] = ()
    left_out: frozenset[str] = frozenset()

    @property
    def declarations(self) -> list[Path]:
        """Every file from which the site is read."""
        return [*(folder / "site.yml" for folder in self.chain), *self.sources.values()]


def named(wanted: str, *, beside: Path | None = None) -> Path:
    """A site's folder: a name under sites/ of the repository, or a path (relative to `beside`, or to where we are)."""
    inside = settings.REPOSITORY / "sites" / wanted
    return inside if inside.is_dir() else ((beside or Path.cwd()) / wanted).resolve()


def of(path: Path) -> Folders:
    """What the site in `path` is made of, whatever it takes over included.

    Raises:
        WangtingError: its site.yml cannot be read, it inherits from no site or in a circle, or leaves out what is not
            there.
    """
    return _of(path, ())


def _of(path: Path, heirs: tuple[Path, ...]) -> Folders:
    sources = {file.parent.name: file for file in sorted((path / "sources").glob("*/source.yml"))}
    staging = {folder.name: folder for folder in sorted((path / "staging").glob("*")) if folder.is_dir()}
    seeds = {file.name: file for file in sorted((path / "seeds").glob("*")) if file.is_file()}
    maps = (seeds[CODE_MAPS],) if CODE_MAPS in seeds else ()
    inherits, without, lines = _said(path / "site.yml")
    if inherits is None:
        if without:
            raise WangtingError(
                "without 只能与 inherits 一起用",
                place=_line(path, lines, "without"),
                mend="删去 without，或写上 inherits",
            )
        return Folders((path,), sources, staging, seeds, maps)
    parent = named(inherits, beside=path)
    place = _line(path, lines, "inherits")
    if not (parent / "site.yml").is_file():
        raise WangtingError(
            f"找不到所继承的站点 {inherits}", place=place, mend="写 sites/ 下的名称，或含有 site.yml 的目录"
        )
    if parent == path or parent in heirs:
        raise WangtingError(
            f"继承成了一圈（{inherits}）", place=place, mend="改正其中一个 site.yml 的 inherits"
        )
    taken = _of(parent, (*heirs, path))
    known = {*taken.sources, *(name.partition(".")[0] for name in taken.seeds)}
    if unknown := [name for name in without if name not in known]:
        raise WangtingError(
            f"without 中的 {'、'.join(unknown)} 不在所继承的站点 {inherits} 中",
            place=_line(path, lines, "without"),
            mend="改正名称，或删去",
        )
    left = frozenset(without)
    return Folders(
        (path, *taken.chain),
        dict(sorted({**_less(taken.sources, left), **sources}.items())),
        dict(sorted({**_less(taken.staging, left), **staging}.items())),
        dict(sorted({**_less(taken.seeds, left), **seeds}.items())),
        (*maps, *(() if "code_maps" in left else taken.code_maps)),
        left,
    )


def _less(found: dict[str, Path], left: frozenset[str]) -> dict[str, Path]:
    return {name: path for name, path in found.items() if name.partition(".")[0] not in left}


def _line(path: Path, lines: "Lines", field_name: str) -> str:
    return f"{path / 'site.yml'} 第 {declared.line_of(lines, (field_name,))} 行"


Lines = dict[tuple[str | int, ...], int]


def _said(file: Path) -> tuple[str | None, list[str], Lines]:
    """`inherits`, `without` and the line of each place; what else stands in the file is not looked at here."""
    try:
        found = file.stat()
    except FileNotFoundError as error:
        raise WangtingError("文件不存在", place=str(file), mend="补上该文件，或改正引用它的设置") from error
    return _read(file, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=32)
def _read(file: Path, _changed: int, _size: int) -> tuple[str | None, list[str], Lines]:
    content, lines = declared.read(file)
    about = content if isinstance(content, dict) else {}
    inherits, without = about.get("inherits"), about.get("without") or []
    if inherits is not None and not isinstance(inherits, str):
        raise WangtingError(
            "inherits：应为文字",
            place=_line(file.parent, lines, "inherits"),
            mend="写 sites/ 下的名称，或含有 site.yml 的目录",
        )
    if not isinstance(without, list) or not all(isinstance(name, str) for name in without):
        raise WangtingError(
            "without：应为列表，如 [甲, 乙]",
            place=_line(file.parent, lines, "without"),
            mend="写来源或种子文件的名称",
        )
    return inherits, without, lines


def code_maps(folders: Folders) -> CodeMaps:
    """The site's code maps: source → list → own code → official code.

    Raises:
        WangtingError: a column is missing.
    """
    found: CodeMaps = {}
    for path in reversed(folders.code_maps):
        own: CodeMaps = {}
        for row in rows(path):
            try:
                own.setdefault(row["source"], {}).setdefault(row["list"], {})[row["source_code"]] = row[
                    "code"
                ]
            except KeyError as error:
                raise WangtingError(
                    f"缺少列 {error.args[0]}", place=str(path), mend="表头应为 source,list,source_code,code"
                ) from error
        found |= own
    return found


def rows(path: Path) -> list[dict[str, str]]:
    """A seed's rows, all as text; none where the file is missing.

    Raises:
        WangtingError: it is not UTF-8.
    """
    if not path.is_file():
        return []
    try:
        # Spreadsheet programs put a mark before the first column's name.
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return list(csv.DictReader(lines))
    except UnicodeDecodeError as error:
        raise WangtingError("文件不是 UTF-8 编码", place=str(path), mend="另存为 UTF-8") from error
