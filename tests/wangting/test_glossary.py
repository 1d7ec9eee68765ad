"""The glossary gives dbt its doc blocks: one place, and every name in it can be looked up."""

import re

import pytest
import yaml

from tests.house import tree
from wangting import glossary

DOC = re.compile(r"doc\('(\w+)'\)")


def test_a_row_gives_a_block_for_every_name_of_ours_with_the_official_term(tmp_path):
    file = tmp_path / "glossary.md"
    file.write_text(
        "| official | code | here |\n|---|---|---|\n"
        "| 申办 | SB | applications |\n"
        "| 层级: 县区 | – | level: `county` (with its towns), `town` |\n"
        "| 管理区 | – | a region without statutory standing |\n"
        "| NONE | X | `latin_only` |\n\n"
        "| people read | here |\n|---|---|\n| 镇、村 | level `town` |\n",
        "utf-8",
    )
    assert glossary.terms(file) == {
        "applications": "申办（SB）",
        "county": "层级: 县区",
        "town": "层级: 县区；镇、村",
    }


def test_the_blocks_are_dbts_own_form():
    blocks = glossary.doc_blocks()
    opened = re.findall(r"\{% docs (\w+) %\}\n(.+)\n\{% enddocs %\}", blocks)
    assert dict(opened) == glossary.terms() and len(opened) > 40


@pytest.mark.parametrize("path", tree.under("dbt_project/models", ".yml"), ids=str)
def test_what_a_model_refers_to_stands_in_the_glossary(path):
    assert set(DOC.findall(tree.text(path))) <= set(glossary.terms())


def test_the_terms_are_used_where_columns_bear_their_names():
    used = {
        name for path in tree.under("dbt_project/models", ".yml") for name in DOC.findall(tree.text(path))
    }
    assert {"unit_code", "item_code"} <= used


def test_every_exposure_reads_models_that_are_there():
    declared = yaml.safe_load(tree.text(tree.Path("dbt_project/models/_exposures.yml")))["exposures"]
    models = {path.stem for path in tree.models()}
    for exposure in declared:
        read = {re.fullmatch(r"ref\('(\w+)'\)", one)[1] for one in exposure["depends_on"]}
        assert read and read <= models
