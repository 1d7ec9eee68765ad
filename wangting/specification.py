"""The exchange specification's files as they lie: which version is in force on a day, overlays laid over their base.

Nothing here knows what a field or a rule is: that is the expectations' room. What this gives is the content of a
version's files with the place (file and line) that every part of it came from.

An overlay's file says under `add`, `change` and `remove` what differs from the file of the same name in its base:
`add` what the base does not have, `change` what it has with another value, `remove` what it has. Each of the three is
held against the base at every depth, so that a slip of the pen cannot pass for an addition.
"""

from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from wangting import declared, settings
from wangting.errors import WangtingError

FOLDER = settings.REPOSITORY / "expectations" / "specification"
GENERAL = "specification.yml"
_VERBS = ("add", "change", "remove")
# Of the general file, what belongs to a version and is not inherited.
_OWN = ("version", "base", "title", "valid_from", "source")
_MISSING = object()
Place = tuple[str | int, ...]


@dataclass
class Sheet:
    """The content of one file of a version, and where each part of it stands.

    Attributes:
        content: what the file says, a mapping.
        lines: place inside the content → file and line that it came from.
    """

    content: dict[str, Any]
    lines: dict[Place, tuple[Path, int]] = field(default_factory=dict)

    def where(self, at: Place) -> str:
        """File and line of `at`, or of the nearest thing around it that is there."""
        at = tuple(part if isinstance(part, int) else str(part) for part in at)
        while at not in self.lines and at:
            at = at[:-1]
        path, line = self.lines[at]
        return f"{path} 第 {line} 行"

    def mistake(self, at: Place, message: str, mend: str) -> WangtingError:
        """The error that says what is wrong at a place."""
        return WangtingError(message, place=self.where(at), mend=mend)


@dataclass(frozen=True)
class Version:
    """One version.

    Attributes:
        base: the version that its files are laid over; None: it stands alone.
        valid_from: its first day.
        valid_until: the first day of the next version; None: it is the newest.
    """

    name: str
    folder: Path
    base: str | None
    valid_from: date
    valid_until: date | None


def sheet(path: Path) -> Sheet:
    """One file.

    Raises:
        WangtingError: it is missing, not YAML, or not a mapping.
    """
    content, lines = declared.read(path)
    if not isinstance(content, dict):
        raise WangtingError(
            "文件内容应当是「名称: 值」的形式", place=f"{path} 第 1 行", mend="参照同目录其他文件改写"
        )
    return Sheet(content, {(): (path, 1)} | {at: (path, line) for at, line in lines.items()})


def versions(folder: Path | None = None) -> list[Version]:
    """The versions in a folder (default: the product's own), oldest first.

    Raises:
        WangtingError: one has no readable head, a base that is not there or not older, or the first day of another.
    """
    home = folder or FOLDER
    heads = {path.parent.name: sheet(path) for path in sorted(home.glob(f"*/{GENERAL}"))}
    for name, head in heads.items():
        if head.content.get("version") != name:
            raise head.mistake(
                _nearest(head, "version"),
                f"version：{head.content.get('version')} 与目录名 {name} 不一致",
                "改正其一",
            )
        # A datetime is a date to Python; here only a day will do.
        if type(head.content.get("valid_from")) is not date:
            raise head.mistake(
                _nearest(head, "valid_from"),
                "valid_from：应为生效日期，如 2016-01-01",
                "改正或补上 valid_from",
            )
    if not heads:
        raise WangtingError("没有任何版本的交换规范", place=str(home), mend=f"补上 <版本>/{GENERAL}")
    ordered = sorted(heads, key=lambda name: (heads[name].content["valid_from"], name))
    found: list[Version] = []
    for name, after in zip(ordered, [*ordered[1:], None], strict=True):
        head = heads[name]
        first, base = head.content["valid_from"], head.content.get("base")
        if base is None and (near := _nearest(head, "base")):
            raise head.mistake(near, f"{near[-1]}：不认识这一项（是否写错了名称？）", "改正为 base，或删去")
        if found and found[-1].valid_from == first:
            raise head.mistake(
                ("valid_from",),
                f"valid_from：{found[-1].name} 版与 {name} 版的有效期重叠（都从 {first} 起）",
                "每个版本应有不同的生效日期",
            )
        if base is not None and base not in {version.name for version in found}:
            raise head.mistake(
                ("base",), f"base：{base} 不是比 {name} 更早的版本", "改正所依据的版本，或先补上它"
            )
        until = heads[after].content["valid_from"] if after else None
        found.append(Version(name, home / name, base, first, until))
    return found


def _nearest(head: Sheet, key: str) -> Place:
    """The place of a key, or of the one that was probably meant to be it."""
    return (key,) if key in head.content else tuple(get_close_matches(key, map(str, head.content), 1))


def version(name: str, folder: Path | None = None) -> Version:
    """The version of that name.

    Raises:
        WangtingError: there is none; the error lists those there are.
    """
    known = versions(folder)
    for each in known:
        if each.name == name:
            return each
    listed = "、".join(each.name for each in known)
    raise WangtingError(f"没有 {name} 版交换规范", place=str(folder or FOLDER), mend=f"可用的版本：{listed}")


def in_force(on: date, folder: Path | None = None) -> Version:
    """The version in force on a day; before the first one, the first: there is nothing else to go by."""
    known = versions(folder)
    return next((each for each in reversed(known) if each.valid_from <= on), known[0])


def chosen(override: Path | None, on: date, folder: Path | None = None) -> Version:
    """The version that a site's override file pins with a reason, otherwise the one in force on the day."""
    changes = sheet(override) if override is not None else None
    pinned = changes.content.get("version") if changes else None
    if changes is None or pinned is None:
        return in_force(on, folder)
    name = pinned.get("value") if isinstance(pinned, dict) else None
    if not isinstance(name, str) or not pinned.get("why"):
        raise changes.mistake(
            ("version",), "version：应写作 {value: 版本, why: 理由}", '如 version: {value: "2013", why: …}'
        )
    if name not in {each.name for each in versions(folder)}:
        listed = "、".join(each.name for each in versions(folder))
        raise changes.mistake(
            ("version", "value"), f"version：没有 {name} 版交换规范", f"可用的版本：{listed}"
        )
    return version(name, folder)


def files(chosen_version: Version) -> list[Path]:
    """Every file that a version's meaning depends on: its own and those of the versions under it."""
    return [path for each in _chain(chosen_version) for path in sorted(each.folder.glob("*.yml"))]


def read(chosen_version: Version) -> dict[str, Sheet]:
    """The files of a version by name, each with what the version's overlays make of it.

    Raises:
        WangtingError: a file cannot be read, or an overlay adds what is there or changes what is not.
    """
    bottom, *overlays = _chain(chosen_version)
    made = {path.name: sheet(path) for path in sorted(bottom.folder.glob("*.yml"))}
    for overlay in overlays:
        for path in sorted(overlay.folder.glob("*.yml")):
            over = sheet(path)
            if path.name not in made and any(verb in over.content for verb in _VERBS):
                missing = overlay.folder.parent / str(overlay.base) / path.name
                raise WangtingError("文件不存在", place=str(missing), mend=f"补上该文件；{path} 叠加在它之上")
            made[path.name] = _laid(made[path.name], over) if path.name in made else over
    return made


def _chain(top: Version) -> list[Version]:
    """The version and those under it, the lowest first."""
    chain = [top]
    while chain[0].base is not None:
        chain.insert(0, version(chain[0].base, top.folder.parent))
    return chain


def _laid(base: Sheet, over: Sheet) -> Sheet:
    """An overlay's file over the base's of the same name."""
    is_general = any(path.name == GENERAL for path, _ in over.lines.values())
    own = {*_OWN} if is_general else {"record"}
    for key, value in over.content.items():
        if key not in own and key not in _VERBS:
            raise over.mistake(
                (key,),
                f"{key}：叠加的文件只写 add、change、remove",
                "把这一项移到 add、change 或 remove 之下",
            )
        if key == "record" and value != base.content.get("record"):
            raise over.mistake((key,), f"record：{value} 与所依据的文件不一致", "改正名称")
    made = Sheet(_copied(base.content), dict(base.lines))
    if is_general:
        for key in _OWN:
            _cut(made, (key,))
    for key in own & over.content.keys():
        _put(made, (key,), over, (key,), over.content[key])
    for verb in _VERBS:
        part = over.content.get(verb)
        if part is None and verb not in over.content:
            continue
        if not isinstance(part, dict):
            raise over.mistake((verb,), f"{verb}：应为「名称: 值」的形式", "改正后再运行")
        {"add": _add, "change": _change, "remove": _remove}[verb](made, (), over, (verb,), part)
    return made


def _copied(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _copied(value) for key, value in content.items()}
    return list(content) if isinstance(content, list) else content


def _at(content: Any, place: Place) -> Any:
    for part in place:
        content = content[part]
    return content


def _put(made: Sheet, at: Place, over: Sheet, there: Place, value: Any) -> None:
    """Set a value, and take over the lines of everything inside it."""
    _cut(made, at)
    _at(made.content, at[:-1])[at[-1]] = value
    size = len(there)
    for place, line in over.lines.items():
        if place[:size] == there:
            made.lines[(*at, *place[size:])] = line


def _cut(made: Sheet, at: Place) -> None:
    """Take out a value and the lines of everything inside it."""
    _at(made.content, at[:-1]).pop(at[-1], None)
    for place in [place for place in made.lines if place[: len(at)] == at]:
        del made.lines[place]


def _named(there: Place) -> str:
    return ".".join(map(str, there))


def _add(made: Sheet, at: Place, over: Sheet, there: Place, part: dict[str, Any]) -> None:
    present = _at(made.content, at)
    for key, value in part.items():
        if key not in present:
            _put(made, (*at, key), over, (*there, key), value)
        elif isinstance(present[key], dict) and isinstance(value, dict):
            _add(made, (*at, key), over, (*there, key), value)
        else:
            raise over.mistake(
                (*there, key),
                f"{_named((*there, key))}：所依据的版本已有这一项",
                "要改它的值，写在 change 之下",
            )


def _change(made: Sheet, at: Place, over: Sheet, there: Place, part: dict[str, Any]) -> None:
    for key, value in part.items():
        # Looked up anew: each change replaces what it touches.
        present = _at(made.content, at)
        if not isinstance(present, dict) or key not in present:
            raise over.mistake(
                (*there, key),
                f"{_named((*there, key))}：所依据的版本没有这一项",
                "改正名称；若是新增的，写在 add 之下",
            )
        if isinstance(present[key], dict) and isinstance(value, dict):
            _change(made, (*at, key), over, (*there, key), value)
        elif present[key] == value:
            raise over.mistake(
                (*there, key), f"{_named((*there, key))}：与所依据的版本相同，没有改动", "删去这一行"
            )
        else:
            _put(made, (*at, key), over, (*there, key), value)


def _remove(made: Sheet, at: Place, over: Sheet, there: Place, part: Any) -> None:
    if isinstance(part, dict):
        for key, inner in part.items():
            present = _at(made.content, at).get(key, _MISSING)
            if not isinstance(present, dict):
                raise over.mistake(
                    (*there, key), f"{_named((*there, key))}：所依据的版本没有这一层", "改正名称"
                )
            _remove(made, (*at, key), over, (*there, key), inner)
        return
    for number, key in enumerate(part if isinstance(part, list) else [part]):
        if not isinstance(key, str) or key not in _at(made.content, at):
            raise over.mistake(
                (*there, number), f"{_named(there)}：所依据的版本没有 {key}", "改正名称，或删去这一项"
            )
        _cut(made, (*at, key))
