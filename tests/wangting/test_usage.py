"""What is typed wrongly is told in one Chinese sentence, with exit code 2; other errors keep their own."""

import json
import sys

import pytest

from wangting.cli import main


@pytest.fixture
def typed(monkeypatch, capsys, home):
    """Run the command line; its exit code, standard output and standard error."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["wangting", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["metrc"], "【wangting】没有命令 metrc；用法见 wangting --help。"),
        (["metric", "--perod", "2017"], "【wangting metric】没有选项 --perod（相近的有 --period、--proof）"),
        (["trace"], "【wangting trace】缺少参数 case_no"),
        (["build", "nolane"], "【wangting build】参数 lane 不能这样写：应为 'exchange'、'warehouse'"),
        (["metric", "a", "--limit", "x"], "【wangting metric】选项 --limit 不能这样写：应为整数"),
        (["metric", "a", "--known-at", "x"], "选项 --known-at 不能这样写：应为日期或时间"),
    ],
)
def test_a_slip_of_typing_is_named_with_where_to_look(typed, words, sentence):
    code, out, err = typed(*words)
    assert (code, out) == (2, "")
    assert err.startswith("错误：") and sentence in err and err.count("\n") == 1


def test_with_json_the_same_is_data(typed):
    code, out, _ = typed("trace", "--json")
    assert code == 2
    assert json.loads(out) == {
        "error": "缺少参数 case_no",
        "place": "wangting trace",
        "mend": "用法见 wangting trace --help",
    }


@pytest.mark.parametrize(
    ("words", "exit_code"), [(["--help"], 0), (["site", "--help"], 0), ([], 2), (["site"], 2)]
)
def test_help_is_help(typed, words, exit_code):
    code, out, err = typed(*words)
    assert code == exit_code
    assert "Usage: wangting" in out + err and "错误" not in err


def test_what_people_can_mend_is_no_slip_of_typing(typed):
    code, _, err = typed("metric")
    assert code == 1 and "还没有发布过数据" in err
