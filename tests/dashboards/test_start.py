"""The bootstrap's way from nothing to what is declared, and again; a server over a release that changes."""

import json
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import httpx
import pytest
import yaml

from dashboards.superset import place
from dashboards.superset.scripts import CHANGES, Change
from dashboards.superset.words import gaps, overlay
from tests.dashboards import small_bundle
from tests.dashboards.conftest import Known, rows_of
from tests.dashboards.running import Person, Superset, interpreter, sign_in


@pytest.fixture(scope="module")
def made(known: Known, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    """A home of its own: bootstrapped, again, and once more with less declared."""
    folder = tmp_path_factory.mktemp("start")
    first, second = folder / "var" / "releases" / "first", folder / "var" / "releases" / "second"
    for release in (first, second):
        release.mkdir(parents=True)
        shutil.copy(known.marts, release / "marts.duckdb")
    with duckdb.connect(str(second / "marts.duckdb")) as marts:
        marts.execute("delete from fct_cases")
        marts.execute("create table dim_new (code varchar)")
    (folder / "var" / "releases" / "current").symlink_to("first")
    superset = Superset(folder / "var", environment={"WANGTING_SUPERSET_LOGIN_RATE": "20 per hour"})
    try:
        yield superset
    finally:
        superset.stop()


def _columns(home: Path, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(home / "superset" / "superset.db") as metadata:
        return sorted(metadata.execute(sql).fetchall())


def _state(home: Path) -> list[object]:
    questions = [
        "select hex(uuid), dashboard_title from dashboards",
        "select hex(uuid), slice_name from slices",
        "select hex(uuid), table_name from tables",
        "select name, clause, filter_type from row_level_security_filters",
        "select r.name, count(*) from ab_role r join ab_permission_view_role p on p.role_id = r.id group by 1",
        "select u.username, r.name from ab_user u join ab_user_role x on x.user_id = u.id "
        "join ab_role r on r.id = x.role_id",
        "select dashboard_id, role_id from dashboard_roles",
        "select table_name, column_name from table_columns c join tables t on t.id = c.table_id",
    ]
    return [_columns(home, question) for question in questions]


def _users(bundle: Path, known: Known) -> Path:
    users = bundle / "users.yml"
    both = [
        {"name": "wu", "title": "一位分析员", "roles": ["市级", "分析"]},
        {"name": "lin", "roles": [f"县区:{known.own}"]},
    ]
    users.write_text(yaml.safe_dump({"users": both}, allow_unicode=True), "utf-8")
    return users


@pytest.fixture(scope="module")
def first(made: Superset, known: Known, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the first bootstrap says."""
    bundle = small_bundle.write(tmp_path_factory.mktemp("all"), known.marts)
    return made.bootstrap(bundle, "--users", str(_users(bundle, known)))


@pytest.fixture(scope="module")
def again(
    made: Superset, first: str, known: Known, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[object], list[object]]:
    """What the second says, and the state before and after it."""
    before = _state(made.home)
    bundle = small_bundle.write(tmp_path_factory.mktemp("again"), known.marts)
    return made.bootstrap(bundle, "--users", str(_users(bundle, known))), before, _state(made.home)


@pytest.fixture(scope="module")
def less(made: Superset, again: object, known: Known, tmp_path_factory: pytest.TempPathFactory) -> Superset:
    """Bootstrapped with a dashboard and a user fewer; running."""
    bundle = small_bundle.write(tmp_path_factory.mktemp("less"), known.marts, without=("people",))
    made.bootstrap(bundle, "--user", "wu=市级,分析")
    made.start()
    return made


def test_the_first_start_says_each_password_once(made: Superset, first: str) -> None:
    assert set(made.passwords) == {"admin", "wu", "lin"}
    assert all(first.count(password) == 1 for password in made.passwords.values())
    assert "就绪：4 个看板，6 个数据集" in first


def test_no_password_of_a_user_lies_anywhere(made: Superset, first: str) -> None:
    kept = b"".join(path.read_bytes() for path in (made.home / "superset").rglob("*") if path.is_file())
    assert made.passwords["wu"].encode() not in kept
    assert (made.home / "superset" / "admin.password").read_text().strip() == made.passwords["admin"]


def test_only_the_owner_reads_what_superset_keeps(made: Superset, first: str) -> None:
    folder = made.home / "superset"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name for path in folder.iterdir()} >= {
        "secret.key",
        "admin.password",
        "superset.db",
        "rights.json",
    }
    for path in folder.rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_a_second_start_changes_nothing_and_says_no_password(
    again: tuple[str, list[object], list[object]],
) -> None:
    said, before, after = again
    assert "密码" not in said
    assert after == before


def test_what_is_declared_no_longer_is_gone(less: Superset) -> None:
    slugs = {slug for (slug,) in _columns(less.home, "select slug from dashboards")}
    assert slugs == {"cases", "open", "supervision"}
    assert _columns(less.home, "select username, active from ab_user where username in ('wu', 'lin')") == [
        ("lin", 0),
        ("wu", 1),
    ]


def test_who_is_named_no_longer_cannot_log_in(less: Superset) -> None:
    with pytest.raises(AssertionError):
        less.log_in("lin")
    assert less.log_in("wu").get("/api/v1/me/").json()["result"]["first_name"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--user", "x=县区"), "角色“县区”不认识"),
        (("--user", "x=县区:1') OR ('1'='1"), "不认识"),
        (("--user", "admin=市级"), "不可用"),
        (("--user", "x"), "用户名=角色"),
    ],
)
def test_a_user_that_cannot_be_is_said_in_one_sentence(
    made: Superset, known: Known, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    answer = made.bootstrap(small_bundle.write(tmp_path, known.marts), *arguments, fails=True)
    assert said in answer and answer.startswith("错误：") and answer.count("\n") == 1


def test_a_missing_bundle_is_said_in_one_sentence(made: Superset, tmp_path: Path) -> None:
    answer = made.bootstrap(tmp_path, fails=True)
    assert "wangting dashboards write" in answer and answer.count("\n") == 1


def test_the_next_question_is_answered_by_the_new_release(less: Superset, known: Known) -> None:
    wu = less.log_in("wu")
    dataset = _cases(wu)
    assert rows_of(wu.chart_data(dataset, metrics=["rows"])) == [{"rows": len(known.cases())}]
    releases = less.home / "releases"
    (releases / ".current").symlink_to("second")
    (releases / ".current").replace(releases / "current")
    try:
        assert rows_of(wu.chart_data(dataset, metrics=["rows"])) == [{"rows": 0}]
        assert not _open_files(less, "first")
    finally:
        (releases / ".current").symlink_to("first")
        (releases / ".current").replace(releases / "current")
    assert rows_of(wu.chart_data(dataset, metrics=["rows"])) == [{"rows": len(known.cases())}]


def _cases(person: Person) -> int:
    found = person.get("/api/v1/dataset/").json()["result"]
    return next(int(each["id"]) for each in found if each["table_name"] == "fct_cases")


def _open_files(superset: Superset, release: str) -> list[str]:
    """Files of a release that any process of this server holds open."""
    assert superset.process is not None
    group = superset.process.pid
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) != group:
                continue
            found += [str(link.readlink()) for link in (folder / "fd").iterdir()]
        except (OSError, ProcessLookupError):
            continue
    assert found
    return [path for path in found if f"/releases/{release}/" in path]


def test_the_server_listens_on_this_machine_only(less: Superset) -> None:
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    own = {
        line[1].split(":")[0]
        for line in listening
        if line[3] == "0A" and int(line[1].split(":")[1], 16) == less.port
    }
    assert own == {"0100007F"}


def test_no_page_may_call_anybody_else(less: Superset) -> None:
    page = httpx.get(f"{less.address}/login/", timeout=60)
    policy = page.headers["content-security-policy"]
    assert "http" not in policy and "*" not in policy and "connect-src 'self';" in policy
    assert "scarf" not in page.text and "googleapis" not in page.text


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.text.decode())
def test_a_script_of_supersets_is_served_with_what_has_to_differ(less: Superset, change: Change) -> None:
    assets = Path(interpreter()).parents[1].glob("lib/python3*/site-packages/superset/static/assets/*.js")
    concerned = [path.name for path in assets if change.text in path.read_bytes()]
    assert concerned
    for name in concerned:
        served = httpx.get(f"{less.address}/static/assets/{name}", timeout=60)
        assert served.status_code == 200 and "javascript" in served.headers["content-type"]
        assert change.text not in served.content and change.instead in served.content


def test_words_are_chinese_first_and_english_by_one_switch(less: Superset) -> None:
    with httpx.Client(base_url=less.address, timeout=60) as visitor:
        assert "&#34;locale&#34;: &#34;zh&#34;" in visitor.get("/login/").text
        visitor.get("/lang/en")
        assert "&#34;locale&#34;: &#34;en&#34;" in visitor.get("/login/").text


def test_what_the_login_page_reports_brings_no_new_session(less: Superset) -> None:
    reported = httpx.post(f"{less.address}/superset/log/?explode=events", data={"events": "[]"}, timeout=60)
    assert reported.status_code == 200 and "set-cookie" not in reported.headers


def test_an_address_that_is_not_there_is_told_in_the_readers_language(less: Superset) -> None:
    with httpx.Client(base_url=less.address, timeout=60, headers={"Accept": "text/html"}) as visitor:
        missing = visitor.get("/nothing/here/")
        assert missing.status_code == 404 and "没有这个页面" in missing.text and "http" not in missing.text
        visitor.get("/lang/en")
        assert "Page not found" in visitor.get("/nothing/here/").text


def test_wrong_words_are_mended_for_pages_and_server(less: Superset) -> None:
    ours = json.loads((place.WORDS / "zh.json").read_text("utf-8"))
    served = httpx.get(f"{less.address}/superset/language_pack/zh/", timeout=60).json()["locale_data"][
        "superset"
    ]
    for text, word in {**ours["wrong"], **ours["missing"]}.items():
        assert served[text] == [word]
    wu = less.log_in("wu")
    dataset = _cases(wu)
    column = {"expressionType": "SQL", "sqlExpression": "(select 1 from fct_cases)", "label": "x"}
    refused = wu.chart_data(dataset, columns=[column]).text
    assert ours["missing"]["Custom SQL fields cannot contain sub-queries."] in refused.encode().decode(
        "unicode_escape"
    )


def test_no_word_leaves_a_gap_that_its_english_has_not(less: Superset) -> None:
    served = httpx.get(f"{less.address}/superset/language_pack/zh/", timeout=60).json()["locale_data"][
        "superset"
    ]
    for text, words in served.items():
        if text and words and words[0]:
            assert gaps(text) == gaps(words[0]), text
    assert all(gaps(text) == gaps(word) for text, word in overlay().items())


def test_a_server_without_a_release_says_so_and_comes_back(less: Superset, known: Known) -> None:
    wu = less.log_in("wu")
    releases = less.home / "releases"
    (releases / "first").rename(releases / "away")
    try:
        assert wu.sql("select 1 from fct_cases").status_code >= 400
        assert httpx.get(f"{less.address}/health", timeout=30).text == "OK"
    finally:
        (releases / "away").rename(releases / "first")
    assert wu.sql("select 1 from fct_cases limit 1").status_code == 200


def by_the_api(visitor: httpx.Client, name: str, password: str) -> httpx.Response:
    """What the API's login answers."""
    told = {"username": name, "password": password, "provider": "db"}
    return visitor.post("/api/v1/security/login", json=told)


@pytest.mark.parametrize("door", [sign_in, by_the_api])
def test_one_address_may_ask_often_and_try_few_passwords(
    less: Superset, door: Callable[[httpx.Client, str, str], httpx.Response]
) -> None:
    def tries(password: str) -> tuple[int, str]:
        with httpx.Client(base_url=less.address, timeout=60) as visitor:
            answer = door(visitor, "wu", password)
            return answer.status_code, answer.headers.get("location", answer.text)

    with httpx.Client(base_url=less.address, timeout=60) as office:
        assert {office.get("/lang/zh").status_code for _ in range(200)} == {302}
    assert {tries(less.passwords["wu"])[0] for _ in range(25)} <= {200, 302}
    guesses = [tries("not this one") for _ in range(21)]
    assert all(status in (302, 401) for status, _ in guesses[:15])
    status, text = guesses[-1]
    assert status == 429 and (door is by_the_api or "登录失败的次数太多" in text)


def test_the_server_ends_when_it_is_told_to(less: Superset) -> None:
    less.stop()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{less.address}/health", timeout=5)
    assert "SIGABRT" not in (less.home / "superset-test.log").read_text("utf-8")
