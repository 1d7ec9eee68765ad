"""A slip of the pen in any key of any file of the specification is an error that names file and line."""

import re
import shutil

import pytest
import yaml

from expectations import loading
from expectations.loading import load_specification
from wangting import declared
from wangting.errors import WangtingError

FILES = sorted(path.relative_to(loading.FOLDER) for path in loading.FOLDER.rglob("*.yml"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the versions to spoil, in which only the spoilt file is read anew."""
    read, known = declared.read, {}

    def once(path):
        held = (path, path.read_bytes())
        if held not in known:
            known[held] = read(path)
        return known[held]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(declared, "read", once)
        yield shutil.copytree(loading.FOLDER, tmp_path_factory.mktemp("typos") / "versions")


def _keys(node):
    """(where the key ends in the text, its line, the last line of what it names, the key) of every key."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            quoted = key.style in ('"', "'")
            last = max(value.end_mark.line, value.start_mark.line)
            yield key.end_mark.index - quoted, key.start_mark.line + 1, last + 1, key.value
            yield from _keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _keys(value)


@pytest.mark.parametrize("file", FILES, ids=map(str, FILES))
def test_a_slip_in_any_key_is_named_with_file_and_line(folder, file):
    path = folder / file
    text = path.read_text("utf-8")
    keys = list(_keys(yaml.compose(text, Loader=yaml.SafeLoader)))
    assert keys
    unseen, misplaced = [], []
    for end, line, last, key in keys:
        path.write_text(f"{text[:end]}~{text[end:]}", "utf-8")
        try:
            load_specification(path.parent.name, folder=folder)
            unseen.append((line, key))
        except WangtingError as error:
            found = re.search(r"^(.+) 第 (\d+) 行$", error.place)
            if not found or found[1] != str(path) or not line <= int(found[2]) <= last or not error.mend:
                misplaced.append((line, key, str(error)))
    path.write_text(text, "utf-8")
    load_specification(path.parent.name, folder=folder)
    assert (unseen, misplaced) == ([], [])
