"""The page of a batch: results drawn by Great Expectations' own renderers, in a frame that fetches nothing."""

from pathlib import Path
from typing import Any

from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.render import RenderedHeaderContent
from great_expectations.render.renderer.content_block import ValidationResultsTableContentBlockRenderer
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader

from expectations.compiling import Judgement, judgements
from expectations.documents import ERRORS, EXAMPLES, Finding
from expectations.model import Specification
from expectations.rendering import UNCHECKED, said, table
from expectations.suites import registered

_OUTCOMES = {"passed": "通过", "warned": "带提醒通过", "held": "暂留", "unchecked": UNCHECKED}
Outcomes = dict[str, dict[str, int]]


class Page:
    """The page of one batch.

    Args:
        outcomes: record type → outcome → records.
    """

    def __init__(self, batch_id: str, specification: Specification, outcomes: Outcomes) -> None:
        self._batch_id, self._specification, self._outcomes = batch_id, specification, outcomes
        self._results: list[Any] = []
        self._rule_version: str | None = None
        self._judgements: dict[tuple[str, str, str], Judgement] = {}
        for record in outcomes:
            for each in judgements(specification, record):
                self._judgements.setdefault((record, each.rule_id, each.field), each)

    def add(self, finding: Finding) -> None:
        """A finding as the validation result of the expectation that it is of."""
        record = self._specification.records[finding.record]
        judgement = self._judgements.get((finding.record, finding.rule_id, finding.field))
        field = record.fields.get(finding.field)
        total = sum(self._outcomes[finding.record].values())
        was_run = finding.error is None
        mend = "数据无需改动：排除运行环境的故障后，这些记录在下次运行时自动重新校验"
        if was_run:
            mend = judgement.mend if judgement else "按现行规范重新校验"
        configuration = ExpectationConfiguration(
            # An older batch may show a rule that is no more: any of our types draws it.
            type=registered(judgement.check.kind if judgement else "required"),
            kwargs={"column": f"{record.number} {record.title}（{finding.record}）"},
            meta={
                "rule": finding.rule_id,
                "field": finding.field,
                "severity": finding.severity,
                "field_title": field.title if field else "",
                "title": judgement.title if judgement else "（现行规范中已没有这条规则）",
                "mend": mend,
            },
        )
        result = {
            "element_count": total,
            "unexpected_count": finding.count,
            "unexpected_percent": 100 * finding.count / total if total else 0.0,
            "partial_unexpected_list": finding.examples,
            "error": ERRORS.get(finding.error or "", finding.error),
        }
        self._rule_version = finding.rule_version or self._rule_version
        said_of_it = {
            "raised_exception": not was_run,
            "exception_message": None,
            "exception_traceback": None,
        }
        self._results.append(
            ExpectationValidationResult(
                success=False, expectation_config=configuration, result=result, exception_info=said_of_it
            )
        )

    def html(self) -> str:
        """The whole of it."""
        titles = {name: record.title for name, record in self._specification.exchanged.items()}
        rows = [
            [f"{titles[record]}（{record}）", *(f"{counts.get(name, 0):,}" for name in _OUTCOMES)]
            for record, counts in self._outcomes.items()
        ]
        whole = ExpectationSuiteValidationResult(
            success=False,
            results=self._results,
            suite_name=self._specification.general.title,
            statistics={},
            meta={"batch": self._batch_id, "outcomes": rows, "rule_version": self._rule_version},
        )
        rules = {"module_name": __name__, "class_name": "RulesRenderer"}
        section = {"class_name": "ValidationResultsColumnSectionRenderer", "table_renderer": rules}
        document = BatchRenderer(column_section_renderer=section).render(whole)
        document.page_title = f"批次 {self._batch_id} 的校验结果"
        return str(BatchView().render(document))


class RulesRenderer(ValidationResultsTableContentBlockRenderer):  # type: ignore[misc]
    """The table of a record type's rules, with headings in Chinese."""

    _rendered_component_default_init_kwargs: dict[str, Any] = {}  # noqa: RUF012 (as its base declares it)

    @classmethod
    def _get_content_block_fn_from_expectation_description(cls, expectation_config: Any) -> None:
        """None of ours has a description of its own; to see that, its configuration would be checked in vain."""

    @classmethod
    def _process_content_block(
        cls, content_block: Any, has_failed_evr: bool, render_object: Any = None
    ) -> None:
        content_block.header_row = ["级别", "规则与更正方法", "条数"]
        content_block.styling = {"body": {"classes": ["table", "rules"]}}


class BatchRenderer(ValidationResultsPageRenderer):  # type: ignore[misc]
    """Great Expectations' page of validation results with an overview in Chinese."""

    @classmethod
    def _render_validation_header(cls, validation_results: Any) -> Any:
        return RenderedHeaderContent(
            header=said("批次 $batch 的校验结果", tag="h1", batch=validation_results.meta["batch"]),
            subheader=said(
                "按《$title》校验，规则版本 $version。个人信息已遮盖；每项最多列 $most 条记录，条数是全部的。",
                title=validation_results.suite_name,
                version=validation_results.meta["rule_version"],
                most=EXAMPLES,
            ),
        )

    @classmethod
    def _render_validation_statistics(cls, validation_results: Any) -> Any:
        rows = validation_results.meta["outcomes"]
        return table(rows, ("记录", *_OUTCOMES.values()), "outcomes")

    @classmethod
    def _generate_collapse_content_block(cls, collapse_content_blocks: Any, validation_results: Any) -> Any:
        # Of the run itself there is nothing to tell: what was judged, and by which rules, is above.
        return said("")


class BatchView(DefaultJinjaPageView):  # type: ignore[misc]
    """Great Expectations' templates inside a frame of ours (templates/batch.html.j2): no script, nothing fetched."""

    _template = "batch.html.j2"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        ours = FileSystemLoader(Path(__file__).parent / "templates")
        self.env.loader = ChoiceLoader([ours, self.env.loader])
