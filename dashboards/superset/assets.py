"""The bundle: dashboards, charts, datasets and the database as declared; what is declared no longer is taken out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dashboards.superset import place


def contents(bundle: Path) -> dict[str, str]:
    """The bundle's files by their name inside it. Raises FileNotFoundError where it is none."""
    if not (bundle / "metadata.yaml").exists():
        raise FileNotFoundError(bundle / "metadata.yaml")
    return {
        path.relative_to(bundle).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(bundle.rglob("*.yaml"))
    }


def _models() -> dict[str, Any]:
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    return {"dashboards": Dashboard, "charts": Slice, "datasets": SqlaTable, "databases": Database}


def put(bundle: Path) -> dict[str, list[str]]:
    """Import the bundle over whatever is there, then remove what an earlier bundle had and this one has not.

    Returns the uuids of what is declared, by kind. What people made themselves stays.
    """
    import yaml
    from superset import db
    from superset.commands.importers.v1.assets import ImportAssetsCommand

    files = contents(bundle)
    ImportAssetsCommand(files).run()
    declared: dict[str, list[str]] = {kind: [] for kind in _models()}
    for name, text in files.items():
        kind = name.split("/")[0]
        if kind in declared:
            declared[kind].append(str(yaml.safe_load(text)["uuid"]))
    register = place.folder() / "imported.json"
    before = json.loads(register.read_text(encoding="utf-8")) if register.exists() else {}
    for kind, model in _models().items():
        for uuid in set(before.get(kind, [])) - set(declared[kind]):
            if (gone := db.session.query(model).filter_by(uuid=uuid).one_or_none()) is not None:
                db.session.delete(gone)
    db.session.commit()
    place.write_secret(register, json.dumps(declared, indent=1))
    return declared


def publish(declared: dict[str, list[str]], administrator: Any) -> dict[Any, set[str]]:
    """Make what is declared the administrator's alone, and published; return each dashboard with its tables.

    The tables are those of its charts and of its filters.
    """
    from superset import db
    from superset.connectors.sqla.models import SqlaTable

    models = _models()
    found: dict[Any, set[str]] = {}
    for kind in ("datasets", "charts", "dashboards"):
        for uuid in declared[kind]:
            asset = db.session.query(models[kind]).filter_by(uuid=uuid).one()
            asset.owners = [administrator]
            if kind == "dashboards":
                asset.published = True
                filters = json.loads(asset.json_metadata or "{}").get("native_filter_configuration", [])
                ids = {
                    target["datasetId"]
                    for each in filters
                    for target in each.get("targets", [])
                    if "datasetId" in target
                }
                tables = {source.table_name for source in asset.datasources}
                tables |= {
                    name for (name,) in db.session.query(SqlaTable.table_name).filter(SqlaTable.id.in_(ids))
                }
                found[asset] = tables
    db.session.commit()
    return found


def datasets(declared: dict[str, list[str]]) -> dict[str, Any]:
    """The declared datasets by their table."""
    from superset import db

    model = _models()["datasets"]
    return {
        each.table_name: each for each in db.session.query(model).filter(model.uuid.in_(declared["datasets"]))
    }
