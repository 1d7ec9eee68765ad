"""`wangting source new` and `source check` on live systems: the draft fits the system, and nothing is in clear."""

import csv
import json
import re
import zipfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from ingestion.guessing import masked, type_of
from ingestion.naming import initials, plain_name
from ingestion.source_commands import app
from wangting import declared, ledger
from wangting.errors import WangtingError
from wangting.source_spec import Source

NAMES = ["张三", "李小四", "欧阳先生", "王五"]
ROWS = 60


def new(*arguments):
    """Run `source new`; the draft as it stands on disk."""
    done = CliRunner().invoke(app, ["new", *arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def check(name, *, sound=True):
    done = CliRunner().invoke(app, ["check", name, "--json"], catch_exceptions=False)
    assert (done.exit_code == 0) == sound, done.output
    return {table["table"]: table for table in json.loads(done.stdout)["tables"]}


def draft(city, name):
    """The drafted declaration, read as the house reads it, and as YAML."""
    file = city.folder / "sources" / name / "source.yml"
    assert declared.load(file, Source, name=name).tables
    return yaml.safe_load(file.read_text("utf-8"))["tables"]


def written(city):
    return "".join(file.read_text("utf-8") for file in city.folder.rglob("*") if file.is_file())


def id_no(n):
    return f"44510219800101{n:04d}"


def lines():
    return ", ".join(
        f"('YW{n:06d}', '{NAMES[n % 4]}', '{id_no(n)}', {n * 1.5}, '2017-11-{1 + n % 28:02d} 09:00:00',"
        f" '2017-11-{1 + n % 28:02d} 17:00:00')"
        for n in range(ROWS)
    )


@pytest.fixture
def postgres_url(postgres):
    return postgres.create(f"""
        create table sqb (ywh varchar(20) primary key, xm varchar(50), zjhm char(18), fy numeric(16, 2),
            sqsj timestamp not null, gxsj timestamp not null);
        comment on table sqb is '业务申请表';
        comment on column sqb.ywh is '业务号';
        comment on column sqb.xm is '申请人姓名';
        comment on column sqb.sqsj is '申请时间';
        create index on sqb (gxsj);
        insert into sqb values {lines()};
        create schema other;
        create table other.steps (a int, b int, note text, primary key (b, a));
        insert into other.steps values (1, 2, '甲'), (1, 3, '乙');
    """)


def test_postgresql_says_tables_keys_comments_types_and_cursor_itself(city, postgres_url):
    city.set("BUREAU_URL", postgres_url)
    said = {
        table["table"]: table
        for table in new("bureau", "--connect", "postgres", "--url", "${BUREAU_URL}")["tables"]
    }
    tables = draft(city, "bureau")
    assert tables["sqb"]["title"] == "业务申请表"
    assert (tables["sqb"]["key"], tables["sqb"]["cursor"]) == (["ywh"], "gxsj")
    assert tables["sqb"]["columns"] == {
        "ywh": "string", "xm": "string", "zjhm": "string", "fy": "decimal(16, 2)", "sqsj": "timestamp",
        "gxsj": "timestamp",
    }  # fmt: skip
    assert (tables["steps"]["key"], tables["steps"]["relation"]) == (["b", "a"], "other.steps")
    assert "cursor" not in tables["steps"]
    assert said["sqb"]["rows"] == ROWS and said["sqb"]["is_key_declared"]
    assert [one["column"] for one in said["sqb"]["cursors"]] == ["gxsj", "sqsj"]
    text = written(city)
    assert "业务号" in text and "申请人姓名" in text


def test_mariadb_says_the_same(city, mariadb):
    city.set(
        "BUREAU_URL",
        mariadb.create(f"""
            create table sqb (ywh varchar(20) primary key comment '业务号', xm varchar(50) comment '申请人姓名',
                zjhm char(18), fy decimal(16, 2), sqsj datetime not null, gxsj datetime not null, key (gxsj))
                comment '业务申请表';
            insert into sqb values {lines()};
        """),
    )
    new("bureau", "--connect", "mysql", "--url", "${BUREAU_URL}")
    table = draft(city, "bureau")["sqb"]
    assert (table["title"], table["key"], table["cursor"]) == ("业务申请表", ["ywh"], "gxsj")
    assert (table["columns"]["fy"], table["columns"]["sqsj"]) == ("decimal(16, 2)", "timestamp")
    tried = check("bureau")["sqb"]
    assert (tried["rows"], tried["problems"], tried["newest"]) == (ROWS, [], "2017-11-28 17:00:00")


def test_what_is_drafted_can_be_tried_and_pulled_at_once(city, postgres_url):
    city.set("BUREAU_URL", postgres_url)
    new("bureau", "--connect", "postgres", "--url", "${BUREAU_URL}", "--table", "sqb")
    tried = check("bureau")["sqb"]
    assert (tried["rows"], tried["newest"], tried["problems"]) == (ROWS, "2017-11-28 17:00:00", [])
    assert city.visible() == [] and not (city.home / "raw").exists()
    assert not ledger.rows(ledger.loads.select())
    from ingestion import pull

    (result,) = pull(["bureau"])
    assert (result.state, result.rows) == ("committed", ROWS)


def test_nothing_that_the_source_holds_is_written_or_said_in_clear(city, postgres_url):
    city.set("BUREAU_URL", postgres_url)
    said = json.dumps(new("bureau", "--connect", "postgres", "--url", "${BUREAU_URL}"), ensure_ascii=False)
    said += json.dumps(check("bureau"), ensure_ascii=False)
    for text in (said, written(city)):
        assert not [n for n in range(ROWS) if id_no(n) in text or f"YW{n:06d}" in text]
        assert not [name for name in NAMES if name in text]
        assert postgres_url not in text


def test_a_check_says_what_no_longer_fits(city, postgres, postgres_url):
    city.set("BUREAU_URL", postgres_url)
    new("bureau", "--connect", "postgres", "--url", "${BUREAU_URL}", "--table", "sqb")
    file = city.folder / "sources" / "bureau" / "source.yml"
    file.write_text(file.read_text("utf-8").replace("zjhm: string", "zjhm: int"), "utf-8")
    postgres.run(postgres_url, "alter table sqb drop column fy; alter table sqb add column extra text")
    tried = check("bureau", sound=False)["sqb"]
    assert any("缺少列 fy" in text for text in tried["problems"])
    assert any("列 zjhm 声明为 int" in text and f"{ROWS} 个值" in text for text in tried["problems"])
    assert any("extra" in text for text in tried["warnings"])


def test_a_check_says_what_the_staging_lacks(city, postgres_url):
    city.set("BUREAU_URL", postgres_url)
    new("bureau", "--connect", "postgres", "--url", "${BUREAU_URL}", "--table", "sqb")
    folder = city.folder / "staging" / "bureau"
    (model,) = folder.glob("*.sql")
    assert any("待核对" in text for text in check("bureau")["sqb"]["warnings"])
    given = "{{ as_kind('applications', {'application_no': 'ywh', 'applied_at': 'sqsj'}) }}"
    model.with_name("stg_bureau__applications.sql").write_text(
        f"select {given} from {{{{ source('bureau', 'sqb') }}}}", "utf-8"
    )
    said = " ".join(check("bureau")["sqb"]["warnings"])
    assert "item_code" in said and "applied_at" not in said


def test_a_table_is_recognised_by_names_sounds_and_comments(city, postgres_url):
    city.set("BUREAU_URL", postgres_url)
    new("bureau", "--connect", "postgres", "--url", "${BUREAU_URL}", "--table", "sqb")
    kinds = {kind["kind"]: kind for kind in check("bureau")["sqb"]["kinds"]}
    matches = {field: match["column"] for field, match in kinds["applications"]["matches"].items()}
    assert matches["application_no"] == "ywh" and matches["applied_at"] == "sqsj"
    assert matches["applicant_name"] == "xm" and matches["applicant_id_no"] == "zjhm"


# ---- interfaces ------------------------------------------------------------------------------------------------------

ITEMS = [
    {"item_code": f"A{n:03d}", "item_name": f"事项{n}", "unit_code": "070187851", "is_online": n % 2 == 0,
     "updated_at": f"2017-11-{1 + n % 28:02d}T08:00:00", "nested": {"a": n}}
    for n in range(40)
]  # fmt: skip


def paged(service, way):
    """A service that turns its pages in one of four ways."""

    def answer(path, asked):
        if path != "/items":
            return None
        if way == "page":
            size, start = int(asked.get("pageSize", 20)), (int(asked.get("pageNo", 1)) - 1)
            start *= size
        elif way == "offset":
            size, start = int(asked.get("limit", 20)), int(asked.get("offset", 0))
        else:
            size, start = int(asked.get("size", 20)), int(asked.get("cursor", 0))
        rows, after = ITEMS[start : start + size], start + size
        body = {"result": {"list": rows}, "total": len(ITEMS)}
        if way == "cursor" and after < len(ITEMS):
            body["next_cursor"] = str(after)
        if way == "link" and after < len(ITEMS):
            body["next"] = f"/items?size={size}&cursor={after}"
        return service.json(body)

    service.instead = answer


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("page", {"page": "pageNo", "size": "pageSize"}),
        ("offset", {"by": "offset", "page": "offset", "size": "limit"}),
        ("cursor", {"by": "cursor", "page": "cursor", "next": "next_cursor"}),
        ("link", {"by": "link", "next": "next"}),
    ],
)
def test_an_interface_shows_how_it_turns_its_pages(city, service, way, expected):
    paged(service, way)
    city.set("ITEMS_URL", service.address)
    new("items", "--connect", "rest", "--url", "${ITEMS_URL}", "--table", "items=/items")
    table = draft(city, "items")["items"]
    assert {"rows": "result.list", **expected}.items() <= table["paging"].items()
    assert (table["path"], table["key"]) == ("/items", ["item_code"])
    assert table["columns"]["is_online"] == "boolean" and table["columns"]["updated_at"] == "timestamp"
    assert "nested" not in table["columns"]
    tried = check("items")["items"]
    assert (tried["rows"], tried["problems"]) == (len(ITEMS), [])


def test_a_token_is_asked_for_with_what_the_environment_holds(city, service):
    service.rows = [{"no": f"{n:05d}", "updated_at": f"2017-11-0{1 + n % 9}T08:00:00"} for n in range(12)]
    city.set("ITEMS_URL", service.address)
    city.set("ITEMS_CLIENT_ID", "hall")
    city.set("ITEMS_CLIENT_SECRET", service.secret)
    new("items", "--connect", "rest", "--url", "${ITEMS_URL}", "--table", "/rows", "--token", "/token")
    assert draft(city, "items")["rows"]["columns"] == {"no": "string", "updated_at": "timestamp"}
    assert service.tokens == 1 and service.secret not in written(city)
    assert check("items")["rows"]["rows"] == 12


# ---- files -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def drop(city, tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    city.set("DROP", str(folder))
    return folder


def test_a_folder_of_files_is_a_table_for_each_shape(city, drop):
    header = ["受理编号", "申请人", "申请时间", "办结时间"]
    body = [[f"{n:06d}", NAMES[n % 4], f"2017/11/{1 + n % 28:02d} 09:00", ""] for n in range(30)]
    for day in ("2017-11-29", "2017-11-30"):
        with (drop / f"登记_{day}.csv").open("w", encoding="gb18030", newline="") as out:
            csv.writer(out, delimiter=";").writerows([header, *body, [f"X{day}", "", "", ""]])
    (drop / "items.json").write_text(json.dumps({"data": {"rows": ITEMS[:5]}}, ensure_ascii=False), "utf-8")
    (drop / "cases.xml").write_text(
        "<all><head><made>2017</made></head>"
        + "".join(f"<case><no>{n:04d}</no><at>2017-11-01 08:00:00</at></case>" for n in range(9))
        + "</all>",
        "utf-8",
    )
    new("dropped", "--connect", "files", "--url", "${DROP}")
    tables = {table["pattern"]: table for table in draft(city, "dropped").values()}
    assert set(tables) == {"登记_*.csv", "items.json", "cases.xml"}
    registered = tables["登记_*.csv"]
    assert (registered["encoding"], registered["delimiter"], registered["key"]) == (
        "gb18030",
        ";",
        ["受理编号"],
    )
    assert set(registered["columns"].values()) == {"string"} and "file_date" in registered
    assert tables["items.json"]["element"] == "data.rows"
    assert tables["cases.xml"]["element"] == "case"
    tried = {one["title"]: one for one in check("dropped").values()}
    assert not [one for one in tried.values() if one["problems"]]
    assert sorted(one["rows"] for one in tried.values()) == [5, 9, 62]


def test_a_workbooks_title_notes_and_merged_header_are_seen_through(city, drop):
    from simulator import workbooks
    from wangting.clock import now

    cells = [[f"{n:05d}", *(["甲"] * (len(workbooks.COLUMNS) - 1))] for n in range(8)]
    workbooks.write(drop, "445103110000", "庵埠镇", now(), cells)
    new("towns", "--connect", "files", "--url", "${DROP}")
    (table,) = draft(city, "towns").values()
    assert (table["header_row"], table["header_levels"], table["first_row"]) == (4, 2, 5)
    assert list(table["columns"]) == workbooks.COLUMNS
    (tried,) = check("towns").values()
    assert (tried["rows"], tried["problems"]) == (8, [])


def test_an_archive_is_looked_into_and_its_manifest_is_told_of(city, drop):
    with zipfile.ZipFile(drop / "down_20171130.zip", "w") as archive:
        archive.writestr(
            "sb_20171130.csv", "no,at\n" + "".join(f"A{n},2017-11-01 08:00:00\n" for n in range(7))
        )
        archive.writestr("manifest.csv", "file,rows\nsb_20171130.csv,7\n")
    said = new("handed", "--connect", "files", "--url", "${DROP}")
    (table,) = draft(city, "handed").values()
    assert (table["pattern"], table["members"]) == ("down_*.zip", "sb_*.csv")
    assert table["manifest"]["file"] == "manifest.csv"
    assert any("清单" in note for note in said["tables"][0]["notes"])


# ---- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Bureau", "--connect", "sqlite", "--url", "${X}"], "不能作来源名"),
        (["two__marks", "--connect", "sqlite", "--url", "${X}"], "不能作来源名"),
        (["bureau", "--connect", "postgres", "--url", "postgresql://me:secret@host/db"], "不写进声明"),
        (["bureau", "--connect", "sqlite", "--url", "${NOT_SET}"], "NOT_SET"),
        (["bureau", "--connect", "sqlite", "--url", "${X}", "--system", "nothing"], "nothing"),
        (["bureau", "--connect", "rest", "--url", "${X}"], "--table"),
    ],
)
def test_what_cannot_be_drafted_is_said_and_nothing_is_written(city, monkeypatch, arguments, said):
    monkeypatch.delenv("NOT_SET", raising=False)
    city.set("X", "/nowhere/at/all")
    with pytest.raises(WangtingError) as refused:
        CliRunner().invoke(app, ["new", *arguments], catch_exceptions=False)
    assert said in str(refused.value) and "secret" not in str(refused.value)
    assert not (city.folder / "sources").exists()


def test_what_is_there_already_is_kept_unless_it_is_forced_and_staging_always(city, postgres_url):
    city.set("BUREAU_URL", postgres_url)
    asked = ["bureau", "--connect", "postgres", "--url", "${BUREAU_URL}", "--table", "sqb"]
    new(*asked)
    (model,) = (city.folder / "staging" / "bureau").glob("*.sql")
    model.write_text("-- mine", "utf-8")
    with pytest.raises(WangtingError, match="已有这个来源"):
        new(*asked)
    new(*asked, "--force", "--title", "另一个名称")
    assert model.read_text("utf-8") == "-- mine"
    assert "另一个名称" in (city.folder / "sources" / "bureau" / "source.yml").read_text("utf-8")


# ---- guesses ---------------------------------------------------------------------------------------------------------


@given(st.text(min_size=3, max_size=40))
def test_a_mask_shows_no_letter_digit_or_sign_of_a_value(value):
    shown = masked(value)
    assert set(re.findall(r"[A-Za-z0-9]", shown)) <= {"a", "9"}
    assert set(re.findall(r"[\u3400-\u9fff]", shown)) <= {"某"}
    assert len(shown) <= 24


@given(st.lists(st.datetimes().map(lambda at: at.isoformat(sep=" ", timespec="seconds")), min_size=1))
def test_times_are_taken_for_times(values):
    assert type_of(values) == "timestamp"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["2017-11-01", "2017-12-31"], "date"),
        (["2017-02-31"], "string"),
        (["01", "02"], "string"),
        (["1", "22", "-3"], "int"),
        (["445102198001010012"], "string"),
        (["1.5", "2"], "double"),
        (["true", "false"], "boolean"),
        (["是", "否"], "string"),
        (["", " "], "string"),
        (["2017-11-01 08:00", "soon"], "string"),
    ],
)
def test_a_type_is_what_all_values_have(values, kind):
    assert type_of(values) == kind


@pytest.mark.parametrize(
    ("word", "letters"),
    [
        ("申请时间", "sqsj"),
        ("行政区划", "xzqh"),
        ("统一社会信用代码", "tyshxydm"),
        ("窗口", "ck"),
        ("A类", "al"),
    ],
)
def test_the_first_letters_of_sounds_are_those_of_older_systems_columns(word, letters):
    assert initials(word) == letters


@given(st.text(max_size=30))
def test_a_tables_name_is_plain_or_nothing(text):
    assert re.fullmatch(r"([a-z][a-z0-9_]*)?", plain_name(text))


def test_an_unreadable_folder_is_named(city, tmp_path):
    city.set("DROP", str(tmp_path / "gone"))
    with pytest.raises(WangtingError, match="文件夹不存在"):
        new("dropped", "--connect", "files", "--url", "${DROP}")
    assert not Path(tmp_path / "gone").exists()
