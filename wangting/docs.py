"""The documentation of the warehouse as one static page: models, columns, tests, lineage, glossary, who uses what."""

import json
from dataclasses import dataclass
from pathlib import Path

from wangting import locks, settings
from wangting.dbt_assembly import assemble, lane_file
from wangting.errors import WangtingError
from wangting.site import current_site


@dataclass(frozen=True)
class Docs:
    """The page, how many models are on it, and how large it is."""

    page: Path
    models: int
    bytes: int


def write() -> Docs:
    """Write the page from the models and from what the warehouse's last build left; nothing is fetched for it.

    Raises:
        WangtingError: nothing has been built yet, a build is running, or the models do not parse.
    """
    from wangting import dbt_run

    site = current_site()
    site.check()
    if not lane_file("warehouse").is_file():
        raise WangtingError("还没有构建过数据仓库", place="warehouse", mend="先运行 wangting build")
    with locks.writer("warehouse"):
        folder = assemble("warehouse", site).folder
        dbt_run.invoke("warehouse", folder, ["docs", "generate", "--static"], writes_files=True)
    made = folder / "target" / "static_index.html"
    page = settings.home() / "docs" / "index.html"
    page.parent.mkdir(exist_ok=True)
    draft = page.with_name(f".{page.name}")
    draft.write_bytes(made.read_bytes())
    draft.replace(page)
    nodes = json.loads((folder / "target" / "manifest.json").read_text("utf-8"))["nodes"].values()
    models = sum(node["resource_type"] == "model" for node in nodes)
    return Docs(page, models, page.stat().st_size)
