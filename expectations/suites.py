"""Great Expectations suites generated from the specification: one suite a record type, one expectation a judgement.

Every check of the closed vocabulary becomes an expectation type of its own (`expect_record_<kind>`) over a metric of
the whole chunk (`record.<kind>.failing`) for pandas. Importing Great Expectations takes seconds: nothing here is
imported before it is needed.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from expectations.checks import CHECKS, Check
from expectations.compiling import Judgement, judgements
from expectations.vectors import Mask, Rows

if TYPE_CHECKING:
    import pandas as pd

    from expectations.model import Specification

# COMPLETE keeps the whole result: the failing rows are in it as one bit a row. A list of positions would be copied
# number by number, several times, and takes three hundred times the memory where everything is bad.
RESULT_FORMAT = {"result_format": "COMPLETE", "exclude_unexpected_values": True}
_PIECES = 8  # into which a chunk is cut, again and again, to find the rows that a check cannot read
_TRIES = 128  # pieces tried a chunk: a few such rows are found in six times eight; the check of all is not repeated


@dataclass(frozen=True)
class Unchecked:
    """A check that could not run.

    Attributes:
        error: the kind of error, never its message: a message may quote personal data.
        rows: the rows of the chunk that it could not judge.
    """

    error: str
    rows: Mask


@lru_cache(maxsize=1)
def _expectation_types() -> dict[str, Any]:
    """Kind of check → its expectation class, registered with Great Expectations once a process.

    The stock map expectations resolve six metrics a check and filter the whole frame three times, which on a suite of
    ninety checks costs more than the checks; ours resolve one, the failing positions.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    from great_expectations.core.metric_domain_types import MetricDomainTypes
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation import BatchExpectation
    from great_expectations.expectations.metrics.metric_provider import metric_value
    from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

    from expectations.rendering import RENDERERS

    def made(kind: str, check_type: type[Check]) -> Any:
        metric, name = f"record.{kind}.failing", "".join(part.capitalize() for part in kind.split("_"))

        def failing(
            cls: Any, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, **_: Any
        ) -> Mask | Exception:
            frame, _, _ = execution_engine.get_compute_domain(
                domain_kwargs=metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
            )
            check = check_type.model_validate_json(metric_value_kwargs["settings"])
            # An error is an answer too: raised here, it would make Great Expectations compute all others again.
            try:
                return check.bad(_rows_of(frame))
            except Exception as error:
                return error

        def validate(self: Any, metrics: dict[str, Any], **_: Any) -> dict[str, Any]:
            bad = metrics[metric]
            if isinstance(bad, Exception):
                raise bad
            count = int(bad.sum())
            return {
                "success": not count,
                "result": {
                    "element_count": len(bad),
                    "unexpected_count": count,
                    "unexpected_percent": 100 * count / len(bad) if len(bad) else 0.0,
                    "unexpected_rows": np.packbits(bad).tobytes(),
                },
            }

        type(
            f"Record{name}Failing",
            (TableMetricProvider,),
            {
                "metric_name": metric,
                "value_keys": ("settings",),
                "_pandas": metric_value(engine=PandasExecutionEngine)(failing),
            },
        )
        return type(
            f"ExpectRecord{name}",
            (BatchExpectation,),
            {
                "__module__": __name__,
                "__doc__": check_type.__doc__,
                # The check's settings as JSON: Great Expectations copies every nested value dozens of times.
                "__annotations__": {"settings": str},
                "metric_dependencies": (metric,),
                "success_keys": ("settings",),
                "args_keys": ("settings",),
                "_validate": validate,
                **RENDERERS,
            },
        )

    return {kind: made(kind, check_type) for kind, check_type in CHECKS.items()}


def registered(kind: str) -> str:
    """The name by which Great Expectations knows the expectation of a kind of check."""
    return str(_expectation_types()[kind].expectation_type)


_last: tuple[Any, Rows] | None = None


def _rows_of(frame: pd.DataFrame) -> Rows:
    """The chunk under judgement as Arrow columns, opened once for all its checks."""
    global _last
    if _last is None or _last[0] is not frame:
        _last = (frame, Rows(frame))
    return _last[1]


def _silence() -> None:
    """Great Expectations' messages may quote values; one of its loggers sets its own level, so none is passed on."""
    log = logging.getLogger("great_expectations")
    log.propagate = False
    if not log.handlers:
        log.addHandler(logging.NullHandler())


class RecordSuite:
    """The suite of one record type, ready to judge chunk after chunk.

    Attributes:
        judgements: what each expectation of the suite stands for, by its key.
    """

    def __init__(self, specification: Specification, record: str) -> None:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        import great_expectations as gx

        _silence()
        self.record = record
        self.judgements: dict[str, Judgement] = {each.key: each for each in judgements(specification, record)}
        self._context = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = gx.data_context.types.base.ProgressBarsConfig(globally=False)
        self.suite = self._suite(self.judgements)
        self._chunk = 0

    def columns(self) -> list[str]:
        """Every column that some expectation reads."""
        return list(
            dict.fromkeys(column for each in self.judgements.values() for column in each.check.columns())
        )

    def _suite(self, keys: Iterable[str]) -> Any:
        """A suite of some of the judgements."""
        import great_expectations as gx

        types, named = _expectation_types(), [(key, self.judgements[key]) for key in keys]
        return gx.ExpectationSuite(
            name=self.record.lower(),
            expectations=[
                types[each.check.kind](
                    settings=each.check.model_dump_json(),
                    meta={"key": key, "rule": each.rule_id, "severity": each.severity, "family": each.family},
                )
                for key, each in named
            ],
        )

    def judge(self, frame: pd.DataFrame) -> tuple[dict[str, Mask], dict[str, Unchecked]]:
        """Judge one chunk.

        Args:
            frame: the chunk with a RangeIndex from 0, text as `str`, other columns Arrow-backed.

        Returns:
            Failing rows by judgement key, and by key each check that could not run, on all rows or on some.
        """
        failing, errors = self._validated(self.suite, self.judgements, frame)
        return failing, self._narrowed(frame, failing, errors) if errors else {}

    def _validated(
        self, suite: Any, keys: Iterable[str], frame: pd.DataFrame
    ) -> tuple[dict[str, Mask], dict[str, str]]:
        """One run of a suite over a frame: failing rows, and the kind of error of each check that could not run."""
        self._chunk += 1
        name = f"chunk_{self._chunk}"
        # A data source a chunk, deleted after it: Great Expectations keeps every frame that it was given.
        source = self._context.data_sources.add_pandas(name)
        try:
            batch = (
                source.add_dataframe_asset(name)
                .add_batch_definition_whole_dataframe(name)
                .get_batch({"dataframe": frame})
            )
            results = batch.validate(suite, result_format=RESULT_FORMAT).results
        finally:
            global _last
            _last = None
            self._context.data_sources.delete(name)
        failing: dict[str, Mask] = {}
        errors: dict[str, str] = dict.fromkeys(keys, _NO_RESULT)
        for result in results:
            key = result.expectation_config.meta["key"]
            error = _error(result.exception_info)
            if error is not None or "unexpected_rows" not in result.result:
                errors[key] = error or _NO_RESULT
                continue
            errors.pop(key, None)
            if result.result["unexpected_count"]:
                bits = np.frombuffer(result.result["unexpected_rows"], np.uint8)
                failing[key] = np.unpackbits(bits, count=len(frame)).astype(bool)
        return failing, errors

    def _narrowed(
        self, frame: pd.DataFrame, failing: dict[str, Mask], errors: dict[str, str]
    ) -> dict[str, Unchecked]:
        """Which rows a check that broke down could not judge: one row that it cannot read keeps back itself alone.

        The chunk is tried in pieces, those that fail in smaller ones. Where all pieces fail it is the check itself,
        not a row. What the check finds in the other pieces goes into `failing`.
        """
        count = len(frame)
        rows = {key: np.zeros(count, bool) for key in errors}
        lost = {key for key in errors if not set(self.judgements[key].check.columns()) <= set(frame.columns)}
        for key in lost:
            rows[key][:] = True
        waiting = [(0, count, [key for key in errors if key not in lost])]
        tries = _TRIES
        while waiting:
            start, stop, keys = waiting.pop(0)
            if not keys:
                continue
            if stop - start == 1 or tries < _PIECES:
                for key in keys:
                    rows[key][start:stop] = True
                continue
            edges = np.linspace(start, stop, min(_PIECES, stop - start) + 1).astype(int).tolist()
            tries -= len(edges) - 1
            suite, failed = self._suite(keys), []
            for low, high in pairwise(edges):
                found, broken = self._validated(suite, keys, frame.iloc[low:high].reset_index(drop=True))
                failed.append((low, high, set(broken)))
                for key, bad in found.items():
                    failing.setdefault(key, np.zeros(count, bool))[low:high] = bad
            whole = set.intersection(*(broken for _, _, broken in failed))
            for key in whole:
                rows[key][start:stop] = True
            waiting += [(low, high, sorted(broken - whole)) for low, high, broken in failed]
        return {key: Unchecked(error, rows[key]) for key, error in errors.items() if rows[key].any()}


_NO_RESULT = "没有结果"


def _error(info: dict[str, Any] | None) -> str | None:
    """The kind of error, never its message: a message may quote personal data."""
    if not info:
        return None
    # Of the expectation itself, or one entry a metric that failed.
    entries = (
        [info] if "raised_exception" in info else [each for each in info.values() if isinstance(each, dict)]
    )
    for entry in entries:
        if entry.get("raised_exception"):
            last = str(entry.get("exception_traceback") or "").strip().splitlines()
            named = [line.split(":")[0] for line in last if line and not line.startswith((" ", "Traceback"))]
            return named[0].rsplit(".", 1)[-1] if named else "Exception"
    return None
