"""Documents: the paths and commands in them exist, and both languages show the same commands."""

import re
import shlex

import pytest
import typer.main

from tests.house import tree

DOCUMENTS = tree.under(".", ".md")
READMES = [tree.Path("README.md"), tree.Path("README.zh-CN.md")]
CODE = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(r"```[a-z]*\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
# Made when the project runs, or standing for many.
_NOT_IN_THE_TREE = re.compile(r"[<>*…{}$=]|^(\./)?var\b|^\.venv\b|^current\b")
_TOP = {path.parts[0] for path in tree.files()} | {".ci"}


def _prose(path):
    return BLOCK.sub("", tree.text(path))


def _spans(path):
    """What stands between back-ticks, and the lines of code blocks."""
    text = tree.text(path)
    return [
        *CODE.findall(BLOCK.sub("", text)),
        *(line for block in BLOCK.findall(text) for line in block.splitlines()),
    ]


@pytest.fixture(scope="module")
def application():
    from wangting.cli import application

    return typer.main.get_command(application())


@pytest.mark.parametrize("path", DOCUMENTS, ids=tree.names(DOCUMENTS))
def test_links_lead_somewhere(path):
    links = [link for link in LINK.findall(_prose(path)) if "://" not in link]
    assert not [link for link in links if not (tree.ROOT / path.parent / link).exists()]


@pytest.mark.parametrize("path", DOCUMENTS, ids=tree.names(DOCUMENTS))
def test_paths_in_documents_exist(path):
    missing = []
    for span in CODE.findall(_prose(path)):
        if not re.fullmatch(r"[\w./-]+", span) or _NOT_IN_THE_TREE.search(span):
            continue
        is_path = span.partition("/")[0] in _TOP and "/" in span
        if is_path and not (tree.ROOT / span).exists() and not (tree.ROOT / path.parent / span).exists():
            missing.append(span)
    assert not missing


@pytest.mark.parametrize("path", DOCUMENTS, ids=tree.names(DOCUMENTS))
def test_make_targets_in_documents_exist(path):
    targets = set(re.findall(r"^([a-z][a-z-]*):", tree.text(tree.Path("Makefile")), re.MULTILINE))
    named = {match for span in _spans(path) for match in re.findall(r"(?:^|\s|&& )make ([a-z][a-z-]*)", span)}
    assert named <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=tree.names(DOCUMENTS))
def test_commands_in_documents_exist_with_their_options(path, application):
    for span in _spans(path):
        match = re.match(r"(?:\$ )?(?:\.venv/bin/)?wangting ([a-z].*)", span.strip())
        if not match:
            continue
        words = shlex.split(match[1].partition("#")[0].replace("…", ""), posix=True)
        words = words[
            : next((i for i, word in enumerate(words) if word in ("&&", "|", ",", "，")), len(words))
        ]
        command = application
        while words and hasattr(command, "commands"):
            if not re.fullmatch(r"[a-z-]+", words[0]):
                break
            assert words[0] in command.commands, f"{path}: {span}"
            command = command.commands[words.pop(0)]
        options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)} | {
            "--help"
        }
        named = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert named <= options, f"{path}: {span}"


def test_both_languages_show_the_same_commands_after_the_first_run():
    shown = [
        {
            match[1]
            for span in _spans(path)
            if (match := re.match(r"(?:\.venv/bin/)?(wangting [a-z]+)", span.strip()))
        }
        for path in READMES
    ]
    assert shown[0] == shown[1]
    for path in READMES:
        assert {"make run", "make test"} <= {span.partition("  ")[0].strip() for span in _spans(path)}
