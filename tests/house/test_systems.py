"""Every system that the plans name is written down once, and every source says which of them it is."""

import pytest
import yaml

from tests.house import tree
from wangting import systems
from wangting.errors import WangtingError

SOURCES = [path for path in tree.under("sites", "source.yml") if path.parts[2] == "sources"]


def _declared(path):
    return yaml.safe_load(tree.text(path))


def test_every_system_gives_or_takes_and_names_its_plans():
    known = systems.systems()
    assert len(known) == 25
    for code, system in known.items():
        assert system.code == code
        assert system.gives or system.takes
        assert system.plans


def test_an_unknown_code_is_told_of_with_those_there_are():
    with pytest.raises(WangtingError, match=r"没有代码为 nobody 的系统.*identity"):
        systems.system("nobody")


@pytest.mark.parametrize("path", SOURCES, ids=tree.names(SOURCES))
def test_a_source_names_a_system_that_gives(path):
    assert systems.system(_declared(path)["system"]).gives


def test_every_system_that_gives_has_a_source_in_chaozhou():
    connected = {_declared(path)["system"] for path in SOURCES if path.parts[1] == "chaozhou"}
    assert {code for code, system in systems.systems().items() if system.gives} == connected
