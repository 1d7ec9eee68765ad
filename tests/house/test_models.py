"""dbt models: pairs, their grain, their layering, SQL that both engines take, no personal data in the marts."""

import re

import pytest
import yaml

from tests.house import tree

MODELS = tree.models()
SQL = [*MODELS, *tree.under("dbt_project/macros", ".sql"), *tree.under("dbt_project/tests", ".sql")]
STAGING = set(tree.staging_models())
# Not in Spark, or another meaning there; dispatched macros in macros/portable may use their own engine's words.
NOT_PORTABLE = {
    "qualify": r"\bqualify\b",
    "double colon cast": r"::",
    "string_agg": r"\bstring_agg\s*\(",
    "select except": r"\*\s*(except|exclude|replace)\b",
    "recursive cte": r"\bwith\s+recursive\b",
    "strftime": r"\b(strftime|strptime|try_strptime)\s*\(",
    "date_diff": r"\b(date_diff|datediff)\s*\(",
    "list functions": r"\b(list_\w+|unnest|generate_series)\s*\(",
    "bare hash": r"\bhash\s*\(",
    "dow": r"\bextract\s*\(\s*dow\b",
    "trailing comma": r",\s*\bfrom\s",
    "read from files": r"\bread_(parquet|csv|json|xlsx)\w*\s*\(",
}
# What no mart may hold: every field that the specification masks, and what other systems call a person by.
PERSONAL = {
    field["name"]
    for path in tree.under("expectations/specification", ".yml")
    for field in yaml.safe_load(tree.text(path)).get("fields", {}).values()
    if "mask" in field
} | {
    "id_no",
    "holder_id_no",
    "account_id",
    "mobile",
    "phone",
    "email",
    "name",
    "handler_no",
    "reserve",
    "licence_no",
}
GRAIN = re.compile(r"One row per [^.]+\.$")
SOURCE = re.compile(r"source\(\s*'([^']+)'")


def _declared(path):
    """What the YAML beside a model says of it."""
    content = yaml.safe_load(tree.text(path.with_suffix(".yml")))
    assert [model["name"] for model in content["models"]] == [path.stem]
    return content["models"][0]


@pytest.mark.parametrize("path", MODELS, ids=[path.stem for path in MODELS])
def test_a_model_is_a_pair_that_states_its_grain(path):
    assert (tree.ROOT / path.with_suffix(".yml")).is_file(), "a model needs its .yml beside it"
    assert GRAIN.search(" ".join(_declared(path).get("description", "").split()))


def test_no_declaration_is_left_without_its_model():
    found = [
        path
        for folder in ("dbt_project/models", "sites", "tests/sites")
        for path in tree.under(folder, ".yml")
    ]
    declared = [path for path in found if "staging" in path.parts or path.parts[0] == "dbt_project"]
    alone = [
        path for path in declared if not path.name.startswith("_") and path.with_suffix(".sql") not in MODELS
    ]
    assert not alone


def test_model_names_are_unique_within_a_site():
    product = [path.stem for path in tree.under("dbt_project/models", ".sql")]
    assert len(product) == len(set(product))
    for site in {path.parts[: path.parts.index("staging")] for path in STAGING}:
        own = [path.stem for path in STAGING if path.parts[: len(site)] == site]
        assert len(own) == len(set(own)) and not set(own) & set(product)


@pytest.mark.parametrize("path", MODELS, ids=[path.stem for path in MODELS])
def test_only_staging_reads_a_source(path):
    read = set(SOURCE.findall(tree.text(path))) - {"run"}  # the run's own context is no source system
    if path in STAGING:
        folder = path.parts[path.parts.index("staging") + 1]
        assert read <= {folder}
        assert path.stem.startswith(f"stg_{folder}__")
    else:
        assert not read


def test_staging_knows_no_model_but_the_sites_seeds():
    for path in STAGING:
        site = tree.ROOT.joinpath(*path.parts[: path.parts.index("staging")])
        seeds = {seed.stem for seed in (site / "seeds").glob("*.csv")}
        assert set(re.findall(r"ref\(\s*'([^']+)'", tree.text(path))) <= seeds, path


@pytest.mark.parametrize("rule", NOT_PORTABLE)
def test_models_use_only_what_both_engines_take(rule):
    found = []
    for path in SQL:
        if path.is_relative_to("dbt_project/macros/portable"):
            continue
        match = re.search(NOT_PORTABLE[rule], tree.without_comments(tree.text(path)), re.IGNORECASE)
        if match:
            found.append(f"{path}: {match[0]!r}")
    assert not found


def test_a_portable_macro_says_how_for_both_engines():
    for path in tree.under("dbt_project/macros/portable", ".sql"):
        text = tree.text(path)
        if "adapter.dispatch" in text:
            assert "duckdb__" in text and "spark__" in text, path


def _marts():
    folders = ("dbt_project/models/marts", "dbt_project/models/metrics")
    return [path for folder in folders for path in tree.under(folder, ".sql")]


def test_no_mart_declares_a_personal_column():
    marts = _marts()
    assert marts
    assert {"applicant_name", "applicant_id_no", "contact_mobile", "opinion", "handler_name"} <= PERSONAL
    for path in marts:
        columns = {column["name"] for column in _declared(path).get("columns", [])}
        assert columns, f"{path}: a mart is contracted, so it declares its columns"
        assert not columns & PERSONAL, path


def test_every_mart_column_is_described_and_typed_by_both_engines_types():
    allowed = re.compile(r"^(string|int|bigint|double|date|timestamp|boolean|decimal\(\d+, ?\d+\))$")
    for path in _marts():
        for column in _declared(path)["columns"]:
            assert column.get("description"), f"{path}: {column['name']} is not described"
            assert allowed.match(str(column.get("data_type"))), (
                f"{path}: {column['name']} {column.get('data_type')}"
            )
            assert column["name"] != "at"
