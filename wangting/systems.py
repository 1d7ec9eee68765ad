"""Which systems do the plans name at all, and what passes between each of them and the warehouse? (`systems.yml`)"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, RootModel, model_validator

from wangting import declared
from wangting.errors import WangtingError
from wangting.source_spec import Declared

FILE = Path(__file__).with_name("systems.yml")

Plan = Literal["CZ13", "CZ17", "MZ17", "QJ16", "XX"]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z_]*[a-z]$")]


class System(Declared):
    """One system, or one family of them, by the plans' own names.

    Attributes:
        code: what a source's `system` calls it by.
        title: the plans' names of it, in Chinese.
        gives: what the warehouse takes from it, in Chinese; empty: nothing.
        takes: what the warehouse hands to it; empty: nothing.
        plans: the work plans that name it, or all of them.
    """

    code: Code
    title: str
    gives: list[str]
    takes: list[str]
    plans: list[Plan] | Literal["all"]

    @model_validator(mode="after")
    def _is_connected_at_all(self) -> "System":
        if not self.gives and not self.takes:
            raise ValueError("gives 与 takes 不能都为空")
        return self


class _Systems(RootModel[dict[str, System]]):
    """The whole file: code → system."""


@lru_cache(maxsize=1)
def systems() -> dict[str, System]:
    """Every system by its code, in the plans' order.

    Raises:
        WangtingError: the file is not what it should be, with line and field.
    """
    content, lines = declared.read(FILE)
    if not isinstance(content, dict):
        raise WangtingError("文件内容应当是「代码: 系统」的形式", place=str(FILE), mend="恢复该文件")
    told = {
        code: {**about, "code": code} if isinstance(about, dict) else about for code, about in content.items()
    }
    found = declared.fit(told, _Systems, lambda at: f"{FILE} 第 {declared.line_of(lines, at)} 行")
    return found.root


def system(code: str) -> System:
    """The system of that code.

    Raises:
        WangtingError: there is none; the error lists those there are.
    """
    found = systems().get(code)
    if found is None:
        raise WangtingError(
            f"没有代码为 {code} 的系统", place=str(FILE), mend=f"可用的代码：{'、'.join(systems())}"
        )
    return found
