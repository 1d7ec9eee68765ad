"""A lane's project put together: what counts as another meaning."""

import shutil

import pytest

from wangting import settings
from wangting.dbt_assembly import assemble
from wangting.errors import WangtingError
from wangting.site import current_site


@pytest.fixture
def site(home, tmp_path, monkeypatch):
    """A copy of a site with changes of its own to the specification."""
    folder = tmp_path / "site"
    shutil.copytree(settings.REPOSITORY / "tests" / "sites" / "receipt_log", folder)
    monkeypatch.setenv("WANGTING_SITE", str(folder))
    return folder


def test_the_same_declarations_have_the_same_fingerprint(site):
    assert assemble("exchange", current_site()) == assemble("exchange", current_site())


def test_a_rule_that_the_site_changes_makes_another_fingerprint(site):
    before = assemble("exchange", current_site())
    override = site / "specification.yml"
    text = override.read_text("utf-8")
    assert "disable_rules:" in text
    override.write_text(text.replace("disable_rules:", "disable_rules:\n  L1.future: 测试时钟不准"), "utf-8")
    after = assemble("exchange", current_site())
    assert after.rule_version != before.rule_version
    assert after.fingerprint != before.fingerprint


def test_a_home_with_a_quote_in_its_path_is_refused_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("WANGTING_HOME", str(tmp_path / "o'clock"))
    with pytest.raises(WangtingError, match="单引号"):
        settings.home()
