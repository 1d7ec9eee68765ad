"""`wangting source new` and `wangting source check`: connect one more system."""

import re
from enum import StrEnum
from typing import Annotated, Any

import typer

from wangting import console
from wangting.errors import WangtingError

app = typer.Typer(help="接入一个来源系统：起草声明、试取", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON")]
_NAME = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")
_VARIABLE = re.compile(r"\$\{[A-Z][A-Z0-9_]*\}")


class Connect(StrEnum):
    """The kinds of system whose own schema can be asked for."""

    POSTGRES = "postgres"
    MYSQL = "mysql"
    SQLITE = "sqlite"
    REST = "rest"
    FILES = "files"


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="来源的英文名：小写字母、数字、下划线")],
    connect: Annotated[Connect, typer.Option(help="接入方式：postgres、mysql、sqlite、rest、files")],
    url: Annotated[str, typer.Option(help="地址所在的环境变量，如 '${HOUSING_URL}'；口令不写在命令里")],
    title: Annotated[str | None, typer.Option(help="系统的中文名称")] = None,
    owner: Annotated[str | None, typer.Option(help="责任单位")] = None,
    system: Annotated[
        str | None, typer.Option(help="属于方案所列的哪个系统（wangting/systems.yml 中的代码）")
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(help="只取这些表，可写多次；REST 写作 名称=/路径；文件写作文件名的样式"),
    ] = None,
    token: Annotated[str | None, typer.Option(help="REST：取令牌的路径，如 /token")] = None,
    zone: Annotated[str | None, typer.Option(help="来源的时区；不写则与站点相同")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="已有 source.yml 时重新起草（暂存模型不动）")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """按系统自己的表结构，为它起草 source.yml 与暂存模型。"""
    from ingestion import drafting
    from ingestion.guessing import chosen
    from ingestion.recognising import ENOUGH
    from wangting.site import current_site

    if not _NAME.match(name) or "__" in name:
        raise WangtingError(
            f"「{name}」不能作来源名", place="NAME", mend="用小写字母、数字和单个下划线，如 housing_bureau"
        )
    if not _VARIABLE.fullmatch(url):
        raise WangtingError(
            "地址里可能有口令，不写进声明",
            place="--url",
            mend="把地址放进环境变量，这里只写它的名称，如 '${HOUSING_URL}'",
        )
    if system is not None:
        from wangting.systems import system as known

        known(system)
    site = current_site()
    file = site.path / "sources" / name / "source.yml"
    if file.exists() and not force:
        raise WangtingError("已有这个来源", place=str(file), mend="换一个名称，或加 --force 重新起草")
    about = drafting.About(
        name, title or name, owner or drafting.TO_CHECK, connect.value, url, zone or site.zone, system, token
    )
    tables = _found(about, table or [])
    made = drafting.write(site, about, tables)
    data = {
        "source": name,
        "site": site.path,
        "files": made,
        "tables": [
            {
                "table": each.name,
                "title": each.title,
                "rows": each.rows,
                "columns": len(each.columns),
                "key": each.key,
                "is_key_declared": each.is_key_declared,
                "cursor": chosen(each.cursors),
                "cursors": [{"column": one.column, "why": one.why} for one in each.cursors],
                "kinds": [one.kind for one in drafting.recognised(each) if one.share >= ENOUGH],
                "notes": each.notes,
            }
            for each in tables
        ],
    }
    console.emit(data, as_json=as_json, show=_show_new)


def _found(about: Any, wanted: list[str]) -> list[Any]:
    from wangting.source_spec import Source

    draft = Source.model_validate(
        {
            "name": about.name,
            "title": about.title,
            "owner": about.owner,
            "connect": about.connect,
            "url": about.url,
            "zone": about.zone,
            "schedule": "every 1 hour",
            "silent_after": "16 working hours",
            "token": _token(about),
            "tables": {
                "rows": {"title": "", "key": ["a"], "columns": {"a": "string"}, "path": "/", "pattern": "*"}
            },
        }
    )
    if about.connect == "rest":
        from ingestion import finding_rest

        pairs = [part.partition("=") for part in wanted]
        return finding_rest.find(
            draft, {(left if mark else ""): (right if mark else left) for left, mark, right in pairs}
        )
    if about.connect == "files":
        from ingestion import finding_files

        return finding_files.find(draft, wanted)
    from ingestion import finding_databases

    return finding_databases.find(draft, wanted)


def _token(about: Any) -> dict[str, str] | None:
    if about.token is None:
        return None
    own = re.sub(r"[^A-Z0-9]", "_", about.name.upper())
    return {
        "path": about.token,
        "client_id": f"${{{own}_CLIENT_ID}}",
        "client_secret": f"${{{own}_CLIENT_SECRET}}",
    }


def _show_new(data: dict[str, Any]) -> None:
    console.table(
        f"来源 {data['source']} 的表",
        ["表", "名称", "行", "列", "键", "游标", "像哪种记录"],
        [
            [
                one["table"],
                one["title"],
                "—" if one["rows"] is None else f"{one['rows']:,}",
                one["columns"],
                "、".join(one["key"]) + ("" if one["is_key_declared"] or not one["key"] else "（推测）")
                or "没有找到",
                one["cursor"] or "—",
                "、".join(one["kinds"]) or "—",
            ]
            for one in data["tables"]
        ],
        right={2, 3},
    )
    for one in data["tables"]:
        for note in one["notes"]:
            console.say(f"提醒：{one['table']}：{note}")
    for file in data["files"]:
        console.say(f"已写入 {file}")
    console.say(f"下一步：核对文件中写着「待核对」的地方，再运行 wangting source check {data['source']}")


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="来源名称")],
    as_json: AsJson = False,
) -> None:
    """试取一次：会落地什么、暂存缺什么、像哪种办件记录；什么也不落地。"""
    from ingestion import trying
    from wangting.site import current_site

    site = current_site()
    tried = trying.try_source(site.source(name), site)
    data = {"source": name, "is_sound": trying.is_sound(tried), "tables": [each.summary() for each in tried]}
    console.emit(data, as_json=as_json, show=_show_check)
    if not data["is_sound"]:
        raise typer.Exit(1)


def _show_check(data: dict[str, Any]) -> None:
    from ingestion.trying import told

    console.table(
        f"来源 {data['source']}：抽取一次会落地",
        ["表", "行", "列", "最新游标", "暂存模型", "结果"],
        [
            [
                f"{one['title']} {one['table']}",
                "—" if one["rows"] is None else f"{one['rows']:,}",
                len(one["columns"]),
                one["newest"] or "—",
                "、".join(model["kind"] for model in one["staging"]) or "没有",
                "有错误" if one["problems"] else "有提醒" if one["warnings"] else "可以",
            ]
            for one in data["tables"]
        ],
        right={1, 2},
    )
    for one in data["tables"]:
        console.table(
            f"{one['table']} 的列",
            ["列", "声明", "来源类型", "有值", "样子（已遮盖）"],
            [
                [
                    each["column"],
                    each["declared"] or "未声明",
                    each["source_type"],
                    f"{each['filled']:,}",
                    "、".join(each["sample"]),
                ]
                for each in one["columns"]
            ],
            right={3},
        )
        for sentence in told(one):
            console.say(sentence)
