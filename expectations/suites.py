"""Great Expectations suites generated from the specification: one suite a record type, one expectation a judgement.

Every check of the closed vocabulary becomes an expectation type of its own (`expect_record_<kind>`) over a metric of
the whole chunk (`record.<kind>.failing`) for pandas. Importing Great Expectations takes seconds: nothing here is
imported before it is needed.
"""

from __future__ import annotations

import logging
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from expectations.checks import CHECKS, Check
from expectations.compiling import Judgement, judgements
from expectations.vectors import Rows

if TYPE_CHECKING:
    import pandas as pd

    from expectations.model import Specification

# COMPLETE returns every failing position; naming index columns would cost five times as much.
RESULT_FORMAT = {"result_format": "COMPLETE", "exclude_unexpected_values": True}


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

    def made(kind: str, check_type: type[Check]) -> Any:
        metric, name = f"record.{kind}.failing", "".join(part.capitalize() for part in kind.split("_"))

        def failing(
            cls: Any, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, **_: Any
        ) -> tuple[int, list[int]]:
            frame, _, _ = execution_engine.get_compute_domain(
                domain_kwargs=metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
            )
            check = check_type.model_validate_json(metric_value_kwargs["settings"])
            return len(frame), check.bad(_rows_of(frame)).nonzero()[0].tolist()

        def validate(self: Any, metrics: dict[str, Any], **_: Any) -> dict[str, Any]:
            count, positions = metrics[metric]
            return {
                "success": not positions,
                "result": {
                    "element_count": count,
                    "unexpected_count": len(positions),
                    "unexpected_percent": 100 * len(positions) / count if count else 0.0,
                    "unexpected_index_list": positions,
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
            },
        )

    return {kind: made(kind, check_type) for kind, check_type in CHECKS.items()}


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
        types = _expectation_types()
        self.suite = gx.ExpectationSuite(
            name=f"{record.lower()}_{specification.general.version}",
            expectations=[
                types[each.check.kind](
                    settings=each.check.model_dump_json(),
                    meta={"key": key, "rule": each.rule_id, "severity": each.severity, "family": each.family},
                )
                for key, each in self.judgements.items()
            ],
        )
        self._chunk = 0

    def columns(self) -> list[str]:
        """Every column that some expectation reads."""
        return list(
            dict.fromkeys(column for each in self.judgements.values() for column in each.check.columns())
        )

    def judge(self, frame: pd.DataFrame) -> tuple[dict[str, list[int]], dict[str, str]]:
        """Judge one chunk.

        Args:
            frame: the chunk with a RangeIndex from 0, text as `str`, other columns Arrow-backed.

        Returns:
            Failing positions by judgement key, and by key the kind of error of each check that could not run.
        """
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
            results = batch.validate(self.suite, result_format=RESULT_FORMAT).results
        finally:
            global _last
            _last = None
            self._context.data_sources.delete(name)
        failing: dict[str, list[int]] = {}
        unchecked: dict[str, str] = dict.fromkeys(self.judgements, "没有结果")
        for result in results:
            key = result.expectation_config.meta["key"]
            error = _error(result.exception_info)
            if error is not None or "unexpected_count" not in result.result:
                unchecked[key] = error or "没有结果"
                continue
            unchecked.pop(key, None)
            if result.result["unexpected_count"]:
                failing[key] = result.result["unexpected_index_list"]
        return failing, unchecked


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
