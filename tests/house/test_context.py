"""Context columns: what a rule reads is declared and computed, and what is computed or declared is read by a rule."""

import re

import pytest

from expectations.context import load_context, read_by
from expectations.loading import load_specification, versions
from tests.house import tree

MODELS = {path.stem: tree.text(path) for path in tree.under("dbt_project/models/exchange", ".sql")}
MACRO = tree.text(tree.ROOT / "dbt_project/macros/records/exchange_record.sql")
TOUCHED = tree.text(tree.ROOT / "dbt_project/models/intermediate/int_touched_cases.sql")
NEIGHBOURS = tree.text(tree.ROOT / "dbt_project/macros/records/neighbours.sql")
OF_ANY_RECORD = set(re.findall(r"'(ctx_[a-z_]+)'", MACRO))


def computed(record):
    """The context columns that a record type's model gives."""
    return set(re.findall(r"\bas (ctx_[a-z_]+)", MODELS[record.lower()])) | OF_ANY_RECORD


@pytest.mark.parametrize("version", versions())
def test_every_context_column_is_declared_computed_and_read(version):
    specification = load_specification(version)
    context = load_context(specification)
    for name, record in specification.exchanged.items():
        assert set(read_by(record)) == set(context.of(name)) == computed(name), name
    assert {record for column in context.columns.values() for record in column.records} == set(
        specification.exchanged
    )


@pytest.mark.parametrize("version", versions())
def test_what_a_column_reads_and_whose_change_touches_it_is_known(version):
    specification = load_specification(version)
    context = load_context(specification)
    kinds = {record.kind for record in specification.exchanged.values()}
    for name, column in context.columns.items():
        assert set(column.reads) <= kinds | {"items", "regions", "units", "record_kind"}, name
        # What touches a case beyond its own rows and its item's has a macro that says so.
        if column.neighbourhood not in ("record", "case", "item", "site"):
            assert f"name == '{column.neighbourhood}'" in NEIGHBOURS
            assert column.reads == ["applications"], name
        assert ("items" in column.reads) == (column.neighbourhood == "item"), name
        assert bool(set(column.reads) & {"regions", "units"}) == (column.neighbourhood == "site"), name
    assert "var('neighbourhoods')" in TOUCHED


@pytest.mark.parametrize("version", versions())
def test_a_threshold_is_in_some_column_and_in_its_model(version):
    context = load_context(load_specification(version))
    used = {column.threshold for column in context.columns.values() if column.threshold}
    assert used == set(context.thresholds)
    for name in used:
        assert any(f"var('context_thresholds')['{name}']" in text for text in MODELS.values())
