"""`wangting dashboards`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from wangting import console

app = typer.Typer(no_args_is_help=True, help="看板：检查声明，写出 Superset 的资产")


@app.command()
def check(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False) -> None:
    """检查看板的声明：图表、指标、字段、筛选与权限，以及数据仓库的表是否都有。"""
    from dashboards import check as checking

    done = checking.check().as_dict()

    def show(row: dict[str, Any]) -> None:
        console.say(
            f"看板 {row['dashboards']} 个、图表 {row['charts']} 个、数据集 {row['datasets']} 个，全部相符"
        )

    console.emit(done, as_json=as_json, show=show)


@app.command()
def write(
    folder: Annotated[Path, typer.Argument(help="写到哪个文件夹：bundle/ 与 rights.json")],
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """写出看板的资产（中英文各一套）和权限，供 Superset 启动时载入。"""
    import json

    from dashboards import bundle, declared, marts, rights
    from dashboards import check as checking

    checking.check()
    declarations, known = declared.read(), marts.marts()
    folder.mkdir(parents=True, exist_ok=True)
    count = bundle.write(folder / "bundle", declarations, known)
    given = {
        bundle.table(dataset, language): dataset.rights.model_dump()
        for dataset in declarations.datasets.values()
        for language in declared.LANGUAGES
    }
    document = rights.document(given)
    (folder / "rights.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")
    done = {
        "folder": str(folder),
        "files": count,
        "datasets": len(declarations.datasets),
        "dashboards": len(declarations.dashboards),
    }

    def show(row: dict[str, Any]) -> None:
        console.say(
            f"{row['folder']}：{row['dashboards']} 个看板、{row['datasets']} 个数据集，共 {row['files']} 个文件"
        )

    console.emit(done, as_json=as_json, show=show)
