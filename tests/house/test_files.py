"""The tree itself: sizes, names, locks, and nothing in it of one machine or one office."""

import re

import pytest

from tests.house import tree

LONGEST = 500  # lines: what is longer is two things
READ = (".py", ".sql", ".yml", ".md", ".toml", ".csv", ".in")
UNNAMED = {"utils", "util", "common", "helpers", "helper", "core", "misc", "lib"}
LOCKS = tree.under("requirements", ".lock")


def test_no_file_is_longer_than_one_thing():
    long = {
        str(path): lines
        for path in tree.files()
        if path.suffix in (".py", ".sql", ".yml", ".md")
        and (lines := len(tree.text(path).splitlines())) > LONGEST
    }
    assert not long


def test_nothing_is_called_by_a_name_that_says_nothing():
    assert not [str(path) for path in tree.files() if {*path.parts[:-1], path.stem} & UNNAMED]


@pytest.mark.parametrize("path", LOCKS, ids=tree.names(LOCKS))
def test_a_lock_is_hashed_and_names_no_host(path):
    lock = tree.text(path)
    assert not re.search(r"https?://|git\+|file:|--(extra-)?index-url|--find-links|@ ", lock)
    pinned = [line for line in lock.splitlines() if re.match(r"^[A-Za-z0-9]", line)]
    assert pinned and all("==" in line for line in pinned)
    assert lock.count("--hash=sha256:") >= len(pinned)


def test_every_input_has_its_lock():
    assert {path.stem for path in tree.under("requirements", ".in")} == {path.stem for path in LOCKS}


def test_no_file_names_a_folder_of_one_machine():
    absolute = re.compile(r"(?<![\w.$}{*])/(home|root|work|Users|mnt)/[a-z]")
    named = [
        f"{path}: {match[0]}"
        for path in tree.files()
        if path.suffix in READ
        and path.name != "test_files.py"
        and (match := absolute.search(tree.text(path)))
    ]
    assert not named


def test_every_room_is_there_and_every_folder_of_it_is_a_package():
    for room in tree.ROOMS:
        folders = {path.parent for path in tree.under(room, ".py")}
        assert folders
        assert not [folder for folder in folders if folder / "__init__.py" not in tree.files()]
