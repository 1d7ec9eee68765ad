"""What the house's rules are held against: the files of the project, found once."""

import ast
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("wangting", "ingestion", "expectations", "exchange", "simulator", "dashboards", "dags", "operation")
_NOT_OURS = {"build", "var", "__pycache__"}


@lru_cache(maxsize=1)
def files() -> tuple[Path, ...]:
    """Every file of the project, without what git, tools and runs leave behind; paths relative to the root."""
    found = []
    for folder, names, leaves in ROOT.walk() if hasattr(ROOT, "walk") else _walk(ROOT):
        names[:] = [
            name for name in names
            if not name.startswith(".") and name not in _NOT_OURS and not name.endswith(".egg-info")
        ]  # fmt: skip
        found += [(folder / leaf).relative_to(ROOT) for leaf in leaves if leaf != ".git"]
    return tuple(sorted(found))


def _walk(top: Path):  # Path.walk came with Python 3.12
    import os

    for folder, names, leaves in os.walk(top):
        yield Path(folder), names, leaves


def under(folder: str, suffix: str) -> list[Path]:
    """Files below a folder (relative to the root) whose name ends so."""
    return [path for path in files() if path.is_relative_to(folder) and path.name.endswith(suffix)]


def python_files(*folders: str) -> list[Path]:
    """The Python files of these folders."""
    return [path for folder in folders for path in under(folder, ".py")]


def text(path: Path) -> str:
    """A file's content."""
    return (ROOT / path).read_text("utf-8")


@lru_cache(maxsize=512)
def syntax(path: Path) -> ast.Module:
    """A Python file's syntax tree."""
    return ast.parse(text(path), filename=str(path))


def models() -> list[Path]:
    """Every dbt model: the product's, and those that sites bring."""
    return [*under("dbt_project/models", ".sql"), *staging_models()]


def staging_models() -> list[Path]:
    """The models in the staging folders of all sites, those of the tests too."""
    return [
        path for path in (*under("sites", ".sql"), *under("tests/sites", ".sql")) if "staging" in path.parts
    ]


def without_comments(sql: str) -> str:
    """SQL without Jinja and SQL comments and without the text of string literals."""
    import re

    sql = re.sub(r"\{#.*?#\}", " ", sql, flags=re.DOTALL)
    sql = re.sub(r"--[^\n]*", " ", sql)
    return re.sub(r"'(?:[^'\n]|'')*'", "''", sql)


def names(paths: list[Path]) -> list[str]:
    """Test ids of files."""
    return [str(path) for path in paths]
