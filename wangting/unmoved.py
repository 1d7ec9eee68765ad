"""Which models a regular build leaves as they are: those that would read nothing but what they read last time.

What a model reads is dbt's own answer, its graph. Two things change between builds of the same project: the rows that
the landing shows, and the run itself, `run.context`. A model that names the context reads the moment, unless it says
`meta.moves_with`: the `day` or the `month` of the moment, or `news` where it only wants to know which run this is.
Macros ask the context for no time, so that a model which reads it through them alone moves with its other inputs.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Tables = Collection[tuple[str, str]]
Pace = Literal["moment", "day", "month", "news"]

_TAG = "unmoved"
_PACES = ("moment", "day", "month", "news")
# Of the run's own sources those that say no more than what the loads' tables do already.
_OF_THE_LOADS = frozenset({"removed_cases", "whole_kinds"})


@dataclass(frozen=True)
class Model:
    """A model of the graph.

    Attributes:
        inputs: what it reads: names of models and seeds.
        tables: the (source, table) pairs of the landing that it reads.
        pace: how it follows the run's context; none: not by itself.
        is_of_the_run: whether it reads something else of the run, which may change at any time.
    """

    inputs: frozenset[str]
    tables: frozenset[tuple[str, str]] = frozenset()
    pace: Pace | None = None
    is_of_the_run: bool = False


def unmoved(graph: Mapping[str, Model], news: Tables, before: datetime, now: datetime) -> frozenset[str]:
    """The models of `graph` (by name) that need not run.

    Args:
        news: the (source, table) pairs of which the landing shows rows.
        before: the moment that the last build stood for.
        now: the moment of this one.
    """
    passed = {"moment", *_passed(before, now)}
    moved: dict[str, bool] = {}

    def moves(name: str) -> bool:
        if name not in moved:
            model = graph.get(name)
            moved[name] = model is not None and (
                model.is_of_the_run
                or model.pace in passed
                or not model.tables.isdisjoint(news)
                or any(moves(one) for one in model.inputs)
            )
        return moved[name]

    # Those that ask which run this is say so to all others: they run, but move nothing by that.
    return frozenset(name for name, model in graph.items() if not moves(name) and model.pace != "news")


def _passed(before: datetime, now: datetime) -> set[str]:
    found = set()
    if before.date() != now.date():
        found.add("day")
    if (before.year, before.month) != (now.year, now.month):
        found.add("month")
    return found


def mark(manifest: Any, news: Tables, before: datetime, now: datetime) -> str:
    """Give the unmoved models of dbt's manifest a tag, in memory alone; how dbt names what has it, tests included.

    By name they would cost seconds: dbt looks through all nodes once for each name.
    """
    left = unmoved(graph_of(manifest), news, before, now)
    for node in manifest.nodes.values():
        if str(node.resource_type) == "model" and node.name in left:
            node.tags.append(_TAG)
    return f"tag:{_TAG}"


def compute_anew(manifest: Any) -> None:
    """Have the models that replace what a list of this run names, or add to counts, computed from nothing.

    They say `meta.replaces`. The lists are made from what the last build left: where it is not known to have ended,
    they may lack what it had begun.
    """
    for node in manifest.nodes.values():
        if str(node.resource_type) == "model" and "replaces" in node.config.meta:
            node.config.full_refresh = True


def graph_of(manifest: Any) -> dict[str, Model]:
    """dbt's manifest as this module reads it.

    Raises:
        ValueError: a model declares a pace that there is not.
    """
    return {
        node.name: _model(node, manifest)
        for node in manifest.nodes.values()
        if str(node.resource_type) in ("model", "seed")
    }


def _model(node: Any, manifest: Any) -> Model:
    inputs, tables, of_the_run = set(), set(), set()
    for unique_id in getattr(node, "depends_on_nodes", []):
        if unique_id in manifest.sources:
            source = manifest.sources[unique_id]
            if source.source_name == "run":
                of_the_run.add(source.name)
            else:
                tables.add((source.source_name, source.name))
        elif unique_id in manifest.nodes:
            inputs.add(manifest.nodes[unique_id].name)
    pace = node.config.meta.get("moves_with")
    if pace is not None and pace not in _PACES:
        raise ValueError(f"{node.name}: moves_with {pace}")
    if pace is None and "context" in of_the_run and "source('run', 'context')" in node.raw_code:
        pace = "moment"
    return Model(frozenset(inputs), frozenset(tables), pace, bool(of_the_run - _OF_THE_LOADS - {"context"}))
