"""Every declaration reads as its type: one test a file."""

import csv

import pytest
import yaml

from expectations.loading import load_specification
from expectations.model import Record
from tests.house import tree
from wangting import declared
from wangting import specification as layers
from wangting.site import current_site
from wangting.source_spec import Source

SOURCES = [
    path for folder in ("sites", "tests/sites") for path in tree.under(folder, "/source.yml".lstrip("/"))
]
SITES = [path for folder in ("sites", "tests/sites") for path in tree.under(folder, "site.yml")]
OVERRIDES = [
    path.parent / "specification.yml" for path in SITES if path.parent / "specification.yml" in tree.files()
]
RECORDS = [
    (version.name, name)
    for version in layers.versions()
    for name in layers.read(version)
    if name.startswith("ex_gdbs_")
]
METRICS = tree.under("dbt_project/metrics", ".yml")


@pytest.mark.parametrize("path", SOURCES, ids=tree.names(SOURCES))
def test_a_source_reads_as_a_source(path):
    source = declared.load(tree.ROOT / path, Source, name=path.parent.name)
    # The ledger's own is a setting of the house.
    assert source.of_the_house or "${" in source.url, "an address belongs to the environment"
    assert source.silent_hours > 0
    for secret in (source.token or {}).values():
        assert secret.startswith(("/", "${")), "a secret is only named"


@pytest.mark.parametrize("path", SITES, ids=tree.names(SITES))
def test_a_site_reads_as_a_site_and_has_staging_for_its_sources(path, monkeypatch):
    monkeypatch.setenv("WANGTING_SITE", str(tree.ROOT / path.parent))
    site = current_site()
    assert set(site.precedence) <= {source.name for source in site.sources}
    staged = {model.parts[-2] for model in tree.staging_models() if model.is_relative_to(path.parent)}
    assert staged <= {source.name for source in site.sources}


@pytest.mark.parametrize("path", SITES, ids=tree.names(SITES))
def test_a_sites_units_and_codes_stand_in_its_own_seeds(path):
    seeds = tree.ROOT / path.parent / "seeds"
    if not seeds.is_dir():
        pytest.skip("the site brings no seeds of its own")
    regions = {row["region_code"]: row for row in _rows(seeds / "regions.csv")}
    for unit in _rows(seeds / "units.csv"):
        assert unit["region_code"] in regions, unit
        assert unit["level_code"] in ("municipal", "county", "town"), unit
    for row in regions.values():
        assert row["is_statutory"] in ("true", "false")
        assert not row["parent_code"] or row["parent_code"] in regions, row
    assert yaml.safe_load(tree.text(path))["division"] in regions


def _rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("version", "name"), RECORDS, ids=["-".join(each) for each in RECORDS])
def test_a_record_type_reads_as_one(version, name):
    sheet = layers.read(layers.version(version))[name]
    record = declared.fit(sheet.content, Record, sheet.where)
    assert f"{record.record.lower()}.yml" == name
    names = [field.name for field in record.fields.values()]
    assert len(names) == len(set(names)), "two fields under one of our names"


@pytest.mark.parametrize("path", OVERRIDES, ids=tree.names(OVERRIDES))
def test_a_sites_changes_to_the_specification_fit_and_each_says_why(path):
    specification = load_specification(override=tree.ROOT / path)
    content = yaml.safe_load(tree.text(path))
    lines = sum(len(fields) for fields in content.get("fields", {}).values())
    lines += sum(len(codes) for codes in content.get("codes", {}).values())
    lines += len(content.get("keys", {})) + len(content.get("disable_rules", {}))
    lines += len(content.get("thresholds", {}))
    lines += sum(setting in content for setting in ("version", "earliest_date", "length_encoding"))
    assert len(specification.changes) == lines
    assert all(change.rpartition("：")[2].strip() for change in specification.changes)


@pytest.mark.parametrize("path", METRICS, ids=tree.names(METRICS))
def test_a_metric_says_what_it_counts_since_when_and_by_which_clause(path):
    metric = yaml.safe_load(tree.text(path))
    assert metric["code"] == path.stem
    assert metric["name"]
    for definition in metric["definitions"]:
        assert definition["version"] and definition["valid_from"] and definition["clause"]
