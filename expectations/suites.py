"""Great Expectations suites generated from the specification: one suite a record type, one expectation a judgement.

Every check of the closed vocabulary becomes an expectation type of its own (`expect_record_<kind>`) over a map metric
(`record.<kind>`) for pandas. Importing Great Expectations takes seconds: nothing here is imported before it is needed.
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

KEY = "record_key"
# COMPLETE returns every failing position; naming index columns would cost five times as much.
RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
    "partial_unexpected_count": 0,
}


@lru_cache(maxsize=1)
def _expectation_types() -> dict[str, Any]:
    """Kind of check → its expectation class, registered with Great Expectations once a process."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import pandas
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation import MulticolumnMapExpectation
    from great_expectations.expectations.metrics.map_metric_provider import (
        MulticolumnMapMetricProvider,
        multicolumn_condition_partial,
    )

    def made(kind: str, check_type: type[Check]) -> Any:
        def _pandas(cls: Any, column_list: pd.DataFrame, settings: dict[str, Any], **_: Any) -> pd.Series:
            good = ~check_type.model_validate(settings).bad(Rows(column_list))
            return pandas.Series(good, index=column_list.index)

        name = "".join(part.capitalize() for part in kind.split("_"))
        type(
            f"Record{name}",
            (MulticolumnMapMetricProvider,),
            {
                "condition_metric_name": f"record.{kind}",
                "condition_domain_keys": ("batch_id", "table", "column_list", "row_condition", "condition_parser", "ignore_row_if"),
                "condition_value_keys": ("settings",),
                "_pandas": multicolumn_condition_partial(engine=PandasExecutionEngine)(_pandas),
            },
        )  # fmt: skip
        return type(
            f"ExpectRecord{name}",
            (MulticolumnMapExpectation,),
            {
                "__module__": __name__,
                "__doc__": check_type.__doc__,
                "__annotations__": {"settings": dict[str, Any]},
                "map_metric": f"record.{kind}",
                "success_keys": ("mostly", "settings"),
                "args_keys": ("column_list", "settings"),
            },
        )

    return {kind: made(kind, check_type) for kind, check_type in CHECKS.items()}


class RecordSuite:
    """The suite of one record type, ready to judge chunk after chunk.

    Attributes:
        judgements: what each expectation of the suite stands for, by its key.
    """

    def __init__(self, specification: Specification, record: str) -> None:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        import great_expectations as gx

        logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # messages may quote values
        self.record = record
        self.judgements: dict[str, Judgement] = {each.key: each for each in judgements(specification, record)}
        self._context = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = gx.data_context.types.base.ProgressBarsConfig(globally=False)
        types = _expectation_types()
        self.suite = gx.ExpectationSuite(name=f"{record.lower()}_{specification.general.version}")
        for key, each in self.judgements.items():
            self.suite.add_expectation(
                types[each.check.kind](
                    column_list=list(dict.fromkeys([*each.check.columns(), KEY])),
                    settings=each.check.model_dump(mode="json"),
                    ignore_row_if="never",
                    meta={"key": key, "rule": each.rule_id, "severity": each.severity, "family": each.family},
                )
            )
        self._chunk = 0

    def columns(self) -> list[str]:
        """Every column that some expectation reads."""
        return list(dict.fromkeys(column for each in self.judgements.values() for column in each.check.columns()))

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
            self._context.data_sources.delete(name)
        failing: dict[str, list[int]] = {}
        unchecked: dict[str, str] = {key: "没有结果" for key in self.judgements}
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
    if "raised_exception" in info:
        entries = [info]
    else:
        entries = [entry for entry in info.values() if isinstance(entry, dict)]
    for entry in entries:
        if entry.get("raised_exception"):
            last = str(entry.get("exception_traceback") or "").strip().splitlines()
            named = [line.split(":")[0] for line in last if line and not line.startswith((" ", "Traceback"))]
            return named[0].rsplit(".", 1)[-1] if named else "Exception"
    return None
