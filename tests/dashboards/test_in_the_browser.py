"""What people see: every dashboard in a real Chromium, as one of each role, in Chinese and one in English."""

import re

import duckdb
import pytest

from dashboards.declared import Heading, read
from tests.dashboards import browser
from tests.dashboards.conftest import Declared
from tests.e2e.city import City

pytestmark = pytest.mark.skipif(
    browser.found() is None, reason="no Chromium on this machine (make browser installs one)"
)

DECLARATIONS = read()
# Latin letters in the words of a Chinese dashboard: a place's or plan's code, and nothing else.
LATIN = re.compile(r"[A-Za-z_]{2,}")
KNOWN_LATIN = {"CZ", "MZ"}
# What may truly be nothing in a city of some thousand cases.
MAY_BE_EMPTY = {
    "常一起办的事项",  # nothing is told of fewer than a handful of people
    "未解除的报警",
}
OVERVIEW = "一月以来累计，与所选方案的目标"
CARDS = {
    "网上全流程办理率": "full_online_item_rate",
    "上网办理率": "online_application_rate",
    "网上办结率": "online_closing_rate",
    "到现场办理次数不超过1次的比例": "visits_at_most_one_rate",
    "到现场办理次数为0次的比例": "visits_zero_rate",
}
PROOF = "办件（上网办理率、网上办结率的分母）"


@pytest.fixture(scope="module")
def reader(declared: Declared, request):
    """Somebody at the browser by name, the same one when asked again."""
    known_readers = {}
    seconds = request.config.stash[browser.SECONDS]
    with browser.started() as chromium:

        def of(name):
            if name not in known_readers:
                known_readers[name] = browser.Reader(chromium, declared.superset, name, seconds)
            return known_readers[name]

        yield of


@pytest.fixture
def house(released):
    """The house's own command line over the same release."""
    return City(released)


def opened(reader, slug, language="zh"):
    """A dashboard's charts as shown to a reader."""
    name = slug.removesuffix("-en")
    return reader.open(slug, len(list(DECLARATIONS.dashboards[name].charts())))


def declared_words(dashboard, language):
    """Every word that a dashboard's declaration has in a language: its title, headings, charts and filters."""
    headings = [row.heading for row in dashboard.rows if isinstance(row, Heading)]
    charts = [chart.title for _, chart in dashboard.charts()]
    filters = [DECLARATIONS.filters[name].title for name in dashboard.filters]
    return [text.of(language) for text in (dashboard.title, *headings, *charts, *filters)]


def whose(dashboard):
    """Who is to open a dashboard: the city, or the only ones that may, or the ones that it is made for."""
    rights = [DECLARATIONS.datasets[chart.dataset].rights for _, chart in dashboard.charts()]
    if any(each.persons for each in rights):
        return "people"
    if all(each.open for each in rights):
        return "public"
    return "supervisor" if any(each.staff for each in rights) else "city"


@pytest.mark.parametrize("slug", DECLARATIONS.dashboards)
def test_every_dashboard_stands_there_whole_and_in_chinese(reader, slug):
    dashboard = DECLARATIONS.dashboards[slug]
    somebody = reader(whose(dashboard))
    charts = opened(somebody, slug)
    somebody.picture(slug)
    assert not somebody.complaints
    assert sorted(chart.title for chart in charts) == sorted(
        chart.title.zh for _, chart in dashboard.charts()
    )
    assert not [chart for chart in charts if chart.state == "failed"]
    empty = {chart.title: chart.said for chart in charts if chart.state == "empty"}
    assert set(empty) <= MAY_BE_EMPTY and all("无业务" in said for said in empty.values())
    words = somebody.words()
    assert not [word for word in declared_words(dashboard, "zh") if not any(word in text for text in words)]
    assert not [text for text in words if set(LATIN.findall(text)) - KNOWN_LATIN]


@pytest.mark.parametrize(
    ("name", "slug"), [("supervisor", "rates"), ("public", "open_figures"), ("people", "thematic")]
)
def test_a_dashboard_in_english_says_nothing_in_chinese(reader, name, slug):
    dashboard = DECLARATIONS.dashboards[slug]
    somebody = reader(name)
    somebody.visit("/lang/en", until="Dashboards")
    try:
        charts = opened(somebody, f"{slug}-en")
        somebody.picture(f"{slug}-en")
        words = somebody.words()
    finally:
        somebody.visit("/lang/zh", until="看板")
    assert {chart.state for chart in charts} == {"drawn"}
    assert not [word for word in declared_words(dashboard, "en") if not any(word in text for text in words)]
    # The administrator who made them has a Chinese name, and so have city, counties and plans.
    assert not [word for word in declared_words(dashboard, "zh") if any(word in text for text in words)]


def test_the_login_page_is_chinese_before_anybody_has_logged_in(reader):
    before = reader("city").before
    assert "请输入用户名和密码" in before and not LATIN.search(before)


@pytest.mark.parametrize(
    ("name", "slug"), [("county", "rates"), ("department", "process"), ("town", "supervision")]
)
def test_each_role_opens_a_dashboard_of_its_own(reader, name, slug):
    somebody = reader(name)
    charts = opened(somebody, slug)
    somebody.picture(f"{slug}-{name}")
    assert not somebody.complaints
    assert not [chart for chart in charts if chart.state == "failed"]
    assert all("无业务" in chart.said for chart in charts if chart.state == "empty")
    assert len([chart for chart in charts if chart.state == "drawn"]) > len(charts) / 2


def test_whose_town_has_no_cases_is_told_so_in_every_chart(reader):
    charts = opened(somebody := reader("stranger"), "rates")
    somebody.picture("rates-stranger")
    assert {chart.state for chart in charts} == {"empty"} and not somebody.complaints
    assert all("无业务" in chart.said for chart in charts)


@pytest.mark.parametrize(
    ("name", "own"), [("people", ["thematic", "open_figures"]), ("public", ["open_figures"])]
)
def test_who_may_see_few_dashboards_is_refused_the_others_in_chinese(reader, name, own):
    somebody = reader(name)
    somebody.visit("/superset/welcome/", until="主页" if name == "people" else "看板")
    titles = {slug: dashboard.title.zh for slug, dashboard in DECLARATIONS.dashboards.items()}
    listed = somebody.visit("/dashboard/list/", until=titles["open_figures"])
    assert {slug for slug, title in titles.items() if title in listed} == set(own)
    assert not somebody.complaints
    refused = somebody.visit("/superset/dashboard/rates/", until="没有这个页面")
    somebody.picture(f"refused-{name}")
    assert not LATIN.search(refused)


def figures(house, *scope):
    """What `wangting metric` says of the cards: metric → value, numerator / denominator, as written on them."""
    every = {figure["metric"]: figure for figure in house.run("metric", *scope)}
    return {
        name: (every[code]["value"], f"{every[code]['numerator']:,} / {every[code]['denominator']:,}")
        for name, code in CARDS.items()
    }


def cards(chart):
    """The first line of the cards: the scope's name, and metric → value, numerator / denominator."""
    first = chart.rows[0]
    lines = [cell.split("\n") for cell in first[1:]]
    shown = {
        head: (cell[0], " / ".join(re.findall(r"[\d,]+", cell[-1])[:2]))
        for head, cell in zip(chart.heads[1:], lines, strict=True)
    }
    return first[0], shown


def test_the_big_numbers_of_a_county_are_those_of_the_command(reader, house, known):
    opened(somebody := reader("county"), "rates")
    name, shown = cards(somebody.chart(OVERVIEW))
    assert name == county_name(known, known.own)
    assert shown == figures(house, "--region", known.own)


def county_name(known, code):
    """A county's name."""
    return rows(known, "select distinct county_name from board_cases where county_code = ?", code)[0][0]


def rows(known, sql, *values):
    """What the release itself says."""
    with duckdb.connect(str(known.marts), read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchall()


def test_the_big_numbers_are_those_of_the_command_and_a_filter_makes_them_those_of_what_is_chosen(
    reader, house, known
):
    opened(somebody := reader("city"), "rates")
    _, before = cards(somebody.chart(OVERVIEW))
    assert before == figures(house)
    somebody.choose("county", county_name(known, known.other), OVERVIEW)
    name, after = cards(somebody.chart(OVERVIEW))
    somebody.picture("rates-filtered")
    assert name == county_name(known, known.other)
    assert after == figures(house, "--region", known.other) != before
    assert not somebody.complaints


def test_a_choice_that_is_always_made_cannot_be_cleared(reader):
    """Without plan and month a page would show figures of none, under a bar that says one."""
    for name, slug, is_cleared in (("people", "thematic", True), ("city", "rates", False)):
        somebody = reader(name)
        opened(somebody, slug)
        clear = somebody.page.locator('[data-test="filter-bar__clear-button"]')
        clear.wait_for(state="attached")
        assert clear.is_visible() == is_cleared


def test_a_click_on_a_county_filters_every_other_chart(reader, house, known):
    opened(somebody := reader("city"), "rates")
    own = county_name(known, known.own)
    somebody.click("县区排名（累计）", own, asks=OVERVIEW)
    shown = {chart.title: chart for chart in somebody.charts()}
    somebody.picture("rates-clicked")
    assert cards(shown[OVERVIEW]) == (own, figures(house, "--region", known.own))
    units = {
        name
        for (name,) in rows(
            known, "select distinct unit_name from board_cases where county_code = ?", known.own
        )
    }
    assert {row[2] for row in shown[PROOF].rows} <= units
    # A ranking is not filtered by itself: the other counties stay there to be clicked.
    assert len(shown["县区排名（累计）"].rows) > 1 and not somebody.complaints


def test_a_click_on_a_department_leads_to_the_cases_behind_its_figure(reader, house, known):
    opened(somebody := reader("city"), "rates")
    unit, name, month = rows(
        known,
        """
        select unit_code, unit_name, month from board_cases
        where is_counted and subject_name = '行政许可' and month = (select max(month) from board_figures where is_over)
        group by all having count(*) between 3 and 20 order by count(*) desc, unit_code
        """,
    )[0]
    somebody.click("部门排名（累计，同级之内）", name, asks=PROOF)
    listed = somebody.chart(PROOF)
    somebody.picture("rates-proof")
    proof = house.run("metric", CARDS["上网办理率"], "--unit", unit, "--period", month, "--proof")["proof"]
    assert {row[0] for row in listed.rows} == {row["case_no"] for row in proof}
    online = listed.heads.index("网上申办（上网办理率分子）")
    assert sum(row[online] == "是" for row in listed.rows) == sum(row["is_in_numerator"] for row in proof)
    assert listed.rows and not somebody.complaints


def test_the_menu_of_a_cell_opens_its_details(reader, known):
    opened(somebody := reader("city"), "supervision")
    own = county_name(known, known.own)
    count, cells = somebody.drill("各县区的在办件", own)
    somebody.picture("supervision-details")
    behind = rows(known, "select case_no from board_open_cases where county_code = ?", known.own)
    assert count == f"{len(behind)} 行"
    assert {case_no for (case_no,) in behind} & set(cells) and not somebody.complaints
