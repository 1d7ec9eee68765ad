"""Dashboards as declared: everything that they name is there, in both languages, and what is derived stays the same."""

import re
import shutil

import pytest
import yaml

from dashboards import bundle, check, declared, marts
from tests.house import tree
from wangting.errors import WangtingError

DECLARATIONS = declared.read()
KNOWN = marts.marts()
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def copy(tmp_path):
    """The declarations and the models' files, to be broken; `findings` says what is then wrong."""
    shutil.copytree(
        declared.ROOM, tmp_path / "dashboards", ignore=shutil.ignore_patterns("__pycache__", "superset")
    )
    for name in ("models", "metrics"):
        shutil.copytree(marts.PROJECT / name, tmp_path / "dbt_project" / name)
    shutil.copy(marts.PROJECT / "metric_grains.yml", tmp_path / "dbt_project")
    return tmp_path


def findings(folder):
    with pytest.raises(WangtingError) as raised:
        check.check(folder / "dashboards", folder / "dbt_project")
    return str(raised.value)


def replaced(path, before, after):
    text = path.read_text("utf-8")
    assert before in text, f"{path.name} no longer has {before!r}"
    path.write_text(text.replace(before, after), "utf-8")


def test_everything_that_dashboards_name_is_there():
    done = check.check()
    assert done.dashboards >= 5 and done.charts >= 50


def test_a_column_renamed_in_a_mart_is_told_with_dashboard_chart_and_column(copy):
    boards = copy / "dbt_project/models/marts/boards"
    for ending in ("sql", "yml"):
        replaced(boards / f"board_cases.{ending}", "channel_name", "way_of_applying")
    told = findings(copy)
    assert "看板 rates 的图表 cases：表 board_cases 没有字段 channel_name" in told


def test_a_column_renamed_in_the_sql_alone_is_told_with_its_table(copy):
    replaced(
        copy / "dbt_project/models/marts/boards/board_paths.sql", "paths.path_in_words,", "paths.path_words,"
    )
    assert (
        "数据集 board_paths：字段 path_in_words 在 board_paths.yml 中有，board_paths.sql 没有给出"
        in findings(copy)
    )


def test_a_mart_that_is_gone_is_told(copy):
    for ending in ("sql", "yml"):
        (copy / f"dbt_project/models/marts/boards/board_hours.{ending}").unlink()
    assert "数据集 board_hours：数据仓库没有这个表" in findings(copy)


@pytest.mark.parametrize(
    ("file", "before", "after", "told"),
    [
        (
            "process/dashboard.yml",
            "metrics: [waited]",
            "metrics: [waits]",
            "图表 step_times：数据集 board_step_months 没有指标 waits",
        ),
        (
            "rates/dashboard.yml",
            "dataset: board_cases",
            "dataset: board_case",
            "图表 cases：没有数据集 board_case",
        ),
        (
            "rates/dashboard.yml",
            "where: is_counted and",
            "where: is_count and",
            "图表 items：表 board_item_months 没有字段 is_count",
        ),
        (
            "rates/dashboard.yml",
            "order: [-closed_at]",
            "order: [-closed]",
            "图表 cases：表 board_cases 没有字段 closed",
        ),
        (
            "rates/dashboard.yml",
            "ignores: [month, metric]",
            "ignores: [moth]",
            "ignores 中的 moth 不是这个看板的筛选",
        ),
        (
            "rates/dashboard.yml",
            "filters: [plan, month",
            "filters: [plans, month",
            "看板 rates：没有筛选 plans",
        ),
        (
            "rates/dashboard.yml",
            "visits_zero_rate]",
            "visits_none_rate]",
            "图表 headline：没有指标定义 visits_none_rate",
        ),
        (
            "rates/dashboard.yml",
            'good: {gap: ">= 0"}',
            "good: {gap: high}",
            "图表 attainments：读不懂条件 high",
        ),
        (
            "rates/dashboard.yml",
            "[rate, part, whole]",
            "[rate, part]",
            "比例 rate 旁边要有分子 part 和分母 whole",
        ),
        ("filters.yml", "column: level_name", "column: level", "筛选 level：表 board_figures 没有字段 level"),
        (
            "datasets/board_hours.yml",
            "unit: unit_code",
            "unit: unit",
            "数据集 board_hours：表 board_hours 没有字段 unit",
        ),
        (
            "datasets/board_hours.yml",
            "sum(applied_count)",
            "sum(applied)",
            "的指标 applied：表 board_hours 没有字段 applied",
        ),
    ],
)
def test_what_is_not_there_is_told(copy, file, before, after, told):
    replaced(copy / "dashboards" / file, before, after)
    assert told in findings(copy)


@pytest.mark.parametrize(
    ("file", "before", "after", "told"),
    [
        (
            "datasets/board_hours.yml",
            "rights: {rows: {county: county_code, unit: unit_code, town: town_code}}",
            "",
            "rights",
        ),
        ("datasets/board_hours.yml", "county: county_code, ", "", "rows 至少要写 county"),
        ("datasets/board_hours.yml", "申办时段 | When people apply", "申办时段", "中英文都要写"),
        ("process/dashboard.yml", "kind: heatmap", "kind: heat", "不在可选的值之中"),
        ("process/dashboard.yml", "stacked: true", "stack: true", "不认识这一项"),
    ],
)
def test_a_declaration_that_does_not_read_is_told_with_its_file(copy, file, before, after, told):
    replaced(copy / "dashboards" / file, before, after)
    message = findings(copy)
    assert told in message and file.rpartition("/")[2] in message


def test_the_same_declarations_give_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        bundle.write(tmp_path / name, declared.read(), marts.marts())
    first, second = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.yaml")}
        for name in ("first", "second")
    )
    assert first == second and len(first) > 100


def test_every_label_is_there_in_both_languages():
    for name, content in bundle.files(DECLARATIONS, KNOWN):
        if name.startswith("datasets/"):
            english = name.rpartition("/")[2][:1].isupper()
            words = [column["verbose_name"] for column in (*content["columns"], *content["metrics"])]
        elif name.startswith("charts/"):
            english = "-en_" in name
            words = [content["slice_name"]]
        elif name.startswith("dashboards/"):
            english = name.endswith("-en.yaml")
            words = [content["dashboard_title"]]
            words += [each["name"] for each in content["metadata"]["native_filter_configuration"]]
        else:
            continue
        assert all(words), name
        wrong = [each for each in words if bool(_CHINESE.search(each)) == english]
        assert not wrong, f"{name}: {wrong}"


def test_a_chart_in_english_shows_no_chinese_words_of_ours():
    for name, content in bundle.files(DECLARATIONS, KNOWN):
        if name.startswith("charts/") and "-en_" in name:
            shown = {key: value for key, value in content["params"].items() if key != "adhoc_filters"}
            labels = re.findall(r"'label': '([^']*)'", str(shown))
            assert not [label for label in labels if _CHINESE.search(label)], name


def test_no_dataset_but_those_of_persons_names_a_person():
    for dataset in DECLARATIONS.datasets.values():
        keys = [
            column
            for column in KNOWN[dataset.name].columns
            if re.search(r"(person|holder|owner|applicant)_key$", column)
        ]
        assert dataset.rights.persons or not keys, f"{dataset.name}: {keys}"


def test_every_dashboard_is_an_exposure_that_names_its_tables():
    exposures = {
        each["name"]: each
        for each in yaml.safe_load(tree.text(tree.Path("dbt_project/models/_exposures.yml")))["exposures"]
    }
    for dashboard in DECLARATIONS.dashboards.values():
        tables = {chart.dataset for _, chart in dashboard.charts()}
        tables |= {DECLARATIONS.filters[name].dataset for name in dashboard.filters}
        exposure = exposures[f"dashboard_{dashboard.name}"]
        assert exposure["label"] == dashboard.title.zh
        assert exposure["depends_on"] == [f"ref('{table}')" for table in sorted(tables)]
