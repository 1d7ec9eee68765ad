"""The command line: every command that is declared can be loaded, answers to --help and can answer in JSON."""

import re
import tomllib

import pytest
import typer.main

from tests.house import tree

DECLARED = tomllib.loads(tree.text(tree.Path("pyproject.toml")))["project"]
COMMANDS = DECLARED["entry-points"]["wangting.commands"]
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _leaves(command, at=""):
    """Every command that does something, with its way from the root."""
    if not hasattr(command, "commands"):
        yield at.strip(), command
        return
    for name, inner in command.commands.items():
        yield from _leaves(inner, f"{at} {name}")


@pytest.fixture(scope="module")
def leaves():
    from wangting.cli import application

    return dict(_leaves(typer.main.get_command(application())))


@pytest.mark.parametrize("name", COMMANDS)
def test_an_entry_point_loads(name):
    from importlib import import_module

    module, _, attribute = COMMANDS[name].partition(":")
    loaded = getattr(import_module(module), attribute)
    assert callable(loaded) or isinstance(loaded, typer.Typer)


def test_every_declared_command_is_there(leaves):
    assert {name.partition(" ")[0] for name in leaves} == set(COMMANDS)


def test_every_command_takes_json_and_says_in_chinese_what_it_does(leaves):
    silent = [
        name for name, command in leaves.items()
        if not any("--json" in option.opts for option in command.params)
    ]  # fmt: skip
    assert not silent
    assert not [name for name, command in leaves.items() if not CHINESE.search(command.help or "")]


def test_every_option_says_what_it_is_for(leaves):
    bare = [
        f"{name} {option.opts[0]}"
        for name, command in leaves.items()
        for option in command.params
        if not CHINESE.search(getattr(option, "help", None) or "") and "--json" not in option.opts
    ]
    assert not bare
