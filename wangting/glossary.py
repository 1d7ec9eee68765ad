"""The glossary as doc blocks of dbt: every name of ours that `docs/glossary.md` sets beside an official term."""

import re
from pathlib import Path

from wangting import settings

FILE = settings.REPOSITORY / "docs" / "glossary.md"
_NAME = re.compile(r"`([a-z][a-z0-9_]*)`")
_PLAIN = re.compile(r"^[a-z][a-z_]*( [a-z]+)?$")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def terms(file: Path = FILE) -> dict[str, str]:
    """Our names and what they are officially called, in the order of the glossary.

    A row of a table gives one entry for each name that stands in backticks in it, or for the plain name of its thing;
    rows without a Chinese term give none.
    """
    found: dict[str, str] = {}
    columns: list[str] = []
    for line in file.read_text("utf-8").splitlines():
        if not line.startswith("|"):
            columns = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not columns:
            columns = cells
            continue
        if set(line) <= set("|- "):
            continue
        row = dict(zip(columns, cells, strict=False))
        official = re.sub(r"`", "", cells[0])
        if not _CHINESE.search(official):
            continue
        here = row.get("here", cells[-1])
        names = _NAME.findall(here)
        if not names and _PLAIN.match(here):
            names = [here.replace(" ", "_")]
        code = f"（{row['code']}）" if row.get("code", "–") not in ("", "–") else ""
        for name in names:
            text = f"{official}{code}"
            if name not in found:
                found[name] = text
            elif text not in found[name]:
                found[name] += f"；{text}"
    return found


def doc_blocks(file: Path = FILE) -> str:
    """The same as a Markdown file of dbt's doc blocks."""
    blocks = [f"{{% docs {name} %}}\n{text}\n{{% enddocs %}}\n" for name, text in terms(file).items()]
    return "\n".join(blocks)
