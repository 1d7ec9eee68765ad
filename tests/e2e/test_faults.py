"""What goes wrong around the house: its systems, declarations, the province, other commands, taken ports.

Each is told in one clear sentence, the rest goes on, and what stopped goes on when the cause is gone. One house has it
all, one trouble after the other; in the end nothing is lost and nothing is there twice.
"""

import json
import os
import shutil
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import duckdb
import httpx
import pytest

from simulator import province
from tests.e2e.houses import House, Said, connections, files_with, is_clear, province_holds, secrets
from tests.house.tree import ROOT
from tests.servers import free_port

pytestmark = pytest.mark.e2e
WRONG_PASSWORD, WRONG_SECRET, WRONG_TOKEN = "not-the-password", "not-the-secret", "not-the-token"
# What the province does, and how often.
BAD_MANNERS = {
    "timeout": 0.01,
    "error": 0.1,
    "stored_error": 0.1,
    "receipt3": 0.1,
    "slow": 0.01,
    "slow_seconds": 1.5,
    "duplicate_receipt": 0.2,
    "seed": 7,
}
# The newest state of everything that may pass, of every case with an application that may; from the simulator's truth.
SENDABLE = """
    with newest as (select * from read_parquet('{}') where is_latest and expected_outcome <> 'held')
    select record, record_key from newest
    where case_no in (select case_no from newest where record = 'EX_GDBS_SB')
"""


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


@pytest.fixture(scope="module")
def moved(city):
    """Where the city's servers were, and where they are now that their ports were taken."""
    before = connections(city.home)
    city.do("simulate", "down")
    with ExitStack() as taken:
        for name in ("UNIFIED_PLATFORM_URL", "IDENTITY_URL", "PROVINCE_URL"):
            listener = taken.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port_of(before[name])))
            listener.listen()
        city.do("simulate", "up", "--cases", "1000")
    return before, connections(city.home)


@pytest.fixture(scope="module")
def house(city, moved, tmp_path_factory):
    """A house of its own before the city's systems."""
    made = House(tmp_path_factory.mktemp("house") / "var", **moved[1])
    made.home.mkdir(mode=0o700)
    shutil.copy(city.home / "clock.json", made.home / "clock.json")
    return made


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Makes a copy of the default city's site in which one file is another."""

    def copy(file: str, change):
        folder = shutil.copytree(ROOT / "sites" / "chaozhou", tmp_path_factory.mktemp("site") / "chaozhou")
        path = folder / file
        path.write_text(change(path.read_text("utf-8") if path.is_file() else ""), "utf-8")
        return str(folder)

    return copy


@pytest.fixture(scope="module")
def dead_port():
    """A port at which nobody listens."""
    return free_port()


class _Maintenance(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self._answer("application/json", '{"access_token": "t", "expires_in": 600}')

    def do_GET(self) -> None:
        self._answer("text/html", "<html>系统维护中</html>")

    def _answer(self, kind: str, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def maintained():
    """The address of a service that hands out tokens, and a page of HTML for everything else."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Maintenance)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def errors(said: Said) -> dict[str, set[str]]:
    """Source → what a pull said of it."""
    found: dict[str, set[str]] = {}
    for table in said.data:
        found.setdefault(table["source"], set()).update(table["errors"])
    return {source: sentences for source, sentences in found.items() if sentences}


def alter(url: str, *statements: str) -> None:
    """Change a source system's own tables."""
    from wangting.engine import load_extension

    with duckdb.connect() as con:
        load_extension(con, "postgres_scanner")
        con.execute(f"attach '{url}' as target (type postgres)")
        for statement in statements:
            con.execute("call postgres_execute('target', ?)", [statement])


@pytest.fixture(scope="module")
def all_broken(house, moved, dead_port, maintained, tmp_path_factory):
    """A pull in which every system has a trouble of its own."""
    now = moved[1]
    drop = tmp_path_factory.mktemp("drop")
    (drop / "2017-11-29.xlsx").write_bytes(b"no workbook at all")
    os.utime(drop / "2017-11-29.xlsx", (1, 1))
    password = urlsplit(now["UNIFIED_PLATFORM_URL"]).password
    return house.say(
        "pull",
        UNIFIED_PLATFORM_URL=now["UNIFIED_PLATFORM_URL"].replace(password, WRONG_PASSWORD),
        HOUSING_BUREAU_URL=now["HOUSING_BUREAU_URL"].replace(
            str(port_of(now["HOUSING_BUREAU_URL"])), str(dead_port)
        ),
        ITEM_CATALOGUE_URL=maintained,
        IDENTITY_URL=None,
        ELICENCE_CLIENT_SECRET=WRONG_SECRET,
        TOWN_STATION_DROP=str(drop),
    )


def test_a_server_whose_port_is_taken_moves_to_another(moved):
    before, now = moved
    for name in ("UNIFIED_PLATFORM_URL", "IDENTITY_URL", "PROVINCE_URL"):
        assert port_of(before[name]) != port_of(now[name])
    assert secrets(before) == secrets(now)


TROUBLES = [
    ("unified_platform", "统一申办受理平台", "用户名或密码被拒绝"),
    ("housing_bureau", "住房城乡建设业务系统", "连不上来源"),
    ("item_catalogue", "事项目录管理系统", "返回的不是 JSON"),
    ("elicence", "电子证照系统", "客户端标识或密钥被拒绝"),
    ("town_station", "镇便民服务中心登记表", "不是有效的 .xlsx 文件"),
]


@pytest.mark.parametrize(("source", "title", "trouble"), TROUBLES, ids=[each[0] for each in TROUBLES])
def test_a_systems_trouble_is_one_sentence_that_names_it(all_broken, source, title, trouble):
    assert all_broken.code == 1 and not all_broken.err.strip()
    sentences = errors(all_broken)[source]  # one where nobody answered, else one a table
    assert sentences
    for sentence in sentences:
        assert is_clear(sentence) and title in sentence and source in sentence and trouble in sentence


def test_a_system_whose_address_nobody_has_set_is_told_of_and_passed_over(all_broken):
    [table] = [
        table for table in all_broken.data if (table["source"], table["table"]) == ("identity", "accounts")
    ]
    [sentence] = table["warnings"]
    assert table["state"] == "unavailable" and not table["errors"]
    assert "统一身份认证平台（identity）本机不可用" in sentence and "IDENTITY_URL" in sentence


@pytest.fixture(scope="module")
def spoilt(house, moved, all_broken):
    """A pull of the bureau while one table has a value of another type and the other has lost a column."""
    url = moved[1]["HOUSING_BUREAU_URL"]
    alter(
        url,
        "alter table yw_sqb alter column blsx type text",
        "update yw_sqb set blsx = blsx || '天' where ywh = (select min(ywh) from yw_sqb)",
        "alter table yw_lcb rename column clyj to shyj",
    )
    try:
        return house.say("pull", "housing_bureau")
    finally:
        alter(
            url,
            "alter table yw_lcb rename column shyj to clyj",
            "alter table yw_sqb alter column blsx type integer using replace(blsx, '天', '')::integer",
        )


def test_a_wrong_type_and_a_lost_column_are_named_each_with_its_table(spoilt):
    assert spoilt.code == 1
    said = {table["table"]: table["errors"] for table in spoilt.data}
    [wrong], [lost] = said["yw_sqb"], said["yw_lcb"]
    assert is_clear(wrong) and "housing_bureau.yw_sqb" in wrong and "列 blsx 应为 int，有 1 个值不是" in wrong
    assert is_clear(lost) and "housing_bureau.yw_lcb" in lost and "来源缺少列 clyj" in lost


def test_a_typo_in_a_sources_declaration_stops_that_source_and_every_build(house, site, spoilt):
    broken = site("sources/identity/source.yml", lambda text: text.replace("cursor:", "cursr:"))
    pulled = house.say("pull", "identity", "town_station", WANGTING_SITE=broken)
    assert pulled.code == 1
    [sentence] = errors(pulled).pop("identity")
    assert is_clear(sentence) and "identity/source.yml 第 " in sentence and "cursr" in sentence
    assert "town_station" not in errors(pulled)
    assert house.say("build", WANGTING_SITE=broken).sentence == sentence


def test_a_typo_in_a_sites_specification_stops_the_exchange_before_it_begins(house, site, spoilt):
    broken = site("specification.yml", lambda _: "# this site\ndisable_rule: {N3.mobile: 只有座机}\n")
    sentence = house.say("exchange", WANGTING_SITE=broken).sentence
    assert "specification.yml 第 2 行" in sentence and "disable_rule" in sentence
    assert house.ledger("select count(*) from builds") == [(0,)]


@dataclass
class Way:
    """What was said on the way from a city with one silent system to a city without troubles."""

    without_bureau: Said
    landed: set[str]
    died_at_work: bool
    province_down: Said
    kept: dict[str, int]
    received_meanwhile: int
    unwelcome: Said
    pushes: list[dict] = field(default_factory=list)
    first_release: dict = field(default_factory=dict)
    second_builder: Said | None = None
    builder: int = 0
    readers: list[Said] = field(default_factory=list)


def states(house: House) -> dict[str, int]:
    return dict(house.ledger("select state, count(*) from outbox group by 1"))


@pytest.fixture(scope="module")
def way(house, city, moved, site, dead_port, spoilt):
    now = moved[1]
    bureau = now["HOUSING_BUREAU_URL"]
    without = house.say("pull", HOUSING_BUREAU_URL=bureau.replace(str(port_of(bureau)), str(dead_port)))
    landed = {name for (name,) in house.ledger("select distinct source from loads where state = 'committed'")}
    died = house.kill("build", "exchange", at=house.nodes_begun("exchange", 40))
    before = len(province_holds(now))
    province.stop(city.home)
    with ThreadPoolExecutor(1) as aside:
        built = aside.submit(house.do, "build", "warehouse")
        down = house.say("exchange")
    kept = states(house)
    assert province.start(city.home)["PROVINCE_URL"] == now["PROVINCE_URL"]
    received = len(province_holds(now)) - before
    seen = Way(
        without, landed, died, down, kept, received, house.say("push", "--now", PROVINCE_TOKEN=WRONG_TOKEN)
    )
    seen.first_release = {"build": built.result(), **house.do("publish")}
    province_behaves(now, BAD_MANNERS)
    impatient = site(
        "site.yml", lambda text: text.replace("  dialect: xml", "  dialect: xml\n  timeout: 1 seconds")
    )
    for _ in range(8):
        pass_ten_minutes(house)
        seen.pushes.append(house.do("push", "--backfill", WANGTING_SITE=impatient))
        if not states(house).keys() & {"NEW", "RETRY", "SENT"}:
            break
    province_behaves(now, {})
    house.do("pull")
    build_side_by_side(house, seen)
    house.do("publish")
    house.do("exchange", "--backfill")
    return seen


def province_behaves(now: dict[str, str], manners: dict[str, float]) -> None:
    """From now on so; without a word, well."""
    token = {"Authorization": f"Bearer {now['PROVINCE_TOKEN']}"}
    httpx.post(f"{now['PROVINCE_URL']}/misbehave", json=manners, headers=token).raise_for_status()


def pass_ten_minutes(house: House) -> None:
    """The house's clock goes on: a push comes every ten minutes."""
    file = house.home / "clock.json"
    moment = datetime.fromisoformat(json.loads(file.read_text("utf-8"))["now"]) + timedelta(minutes=10)
    file.write_text(json.dumps({"now": moment.isoformat()}), "utf-8")


def build_side_by_side(house: House, seen: Way) -> None:
    """A build that stands still in the middle while others come by."""
    building = house.start("build", "warehouse")
    assert building.wait_for(house.nodes_begun("warehouse", 5))
    seen.builder = building.process.pid
    building.process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(0.1)
        seen.second_builder = house.say("build", "warehouse")
        seen.readers = [house.say("metric", "online_application_rate"), house.say("status")]
    finally:
        building.process.send_signal(signal.SIGCONT)
    said = building.end()
    assert said.code == 0, said.err


def test_where_one_system_is_down_the_others_land(way):
    assert way.without_bureau.code == 1
    assert errors(way.without_bureau).keys() == {"housing_bureau"}
    assert {"unified_platform", "item_catalogue", "identity"} <= way.landed
    assert "housing_bureau" not in way.landed


def test_a_full_build_that_is_killed_is_done_again_with_what_landed(way):
    assert way.died_at_work
    assert way.kept
    [built] = way.first_release["build"]
    assert built["mode"] == "full" and way.first_release["is_new"]


def test_a_province_that_is_down_is_one_sentence_and_everything_is_kept(way):
    sentence = way.province_down.sentence
    assert "省平台" in sentence and "留待下次" in sentence and "wangting push" in sentence
    assert way.received_meanwhile == 0
    assert not way.kept.keys() & {"ACK", "REJECTED"} and sum(way.kept.values()) > 50


def test_a_token_that_the_province_refuses_is_one_sentence(way):
    assert "不接受我们的令牌" in way.unwelcome.sentence


def test_a_misbehaving_province_gets_everything_in_the_end_and_acknowledges_each_once(way, house, moved):
    assert sum(push["failed_attempts"] for push in way.pushes) > 1000
    assert sum(push["read_back"] + push["acknowledged"] for push in way.pushes) > 4000
    assert len(way.pushes) < 8
    acknowledged = house.ledger("select record, record_key, version from receipts where code = 0")
    assert len(acknowledged) == len(set(acknowledged))
    assert set(acknowledged) == province_holds(moved[1]).keys()


def test_when_all_is_well_again_every_sendable_record_has_been_acknowledged(way, house, city):
    truth = city.home / "simulator" / "truth" / "records.parquet"
    wanted = set(duckdb.sql(SENDABLE.format(truth)).fetchall())
    assert len(wanted) > 5000
    assert set(house.ledger("select record, record_key from outbox where state = 'ACK'")) == wanted
    assert not states(house).keys() & {"NEW", "RETRY", "SENT", "REJECTED"}


def test_a_second_builder_is_told_who_is_at_it(way):
    sentence = way.second_builder.sentence
    assert "warehouse" in sentence and f"进程 {way.builder}" in sentence and "build warehouse" in sentence


def test_readers_read_the_last_release_while_a_build_is_under_way(way):
    figure, status = way.readers
    assert figure.code == 0 and figure.data["denominator"] > 0
    assert status.code == 0 and status.data["release"] == way.first_release["name"]


def test_no_secret_is_said_or_written(way, house, moved):
    words = secrets(moved[1]) | {WRONG_PASSWORD, WRONG_SECRET, WRONG_TOKEN}
    assert len(words) >= 8
    said = "".join(each.out + each.err for each in house.heard)
    assert not [word for word in words if word in said]
    assert files_with(house.home, words) == []
