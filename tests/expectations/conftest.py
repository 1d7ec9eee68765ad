"""One specification, and one suite a record type, for all tests of the gate: Great Expectations is imported once."""

from functools import lru_cache
from pathlib import Path

import pytest

from expectations.gate import GateSummary, judge_folder
from expectations.loading import load_specification
from expectations.model import Specification


@pytest.fixture(scope="session")
def specification() -> Specification:
    """The specification without a site's changes."""
    return _specification()


@lru_cache(maxsize=1)
def _specification() -> Specification:
    return load_specification()


def gated(specification: Specification, batch: Path, **settings: int) -> tuple[GateSummary, Path]:
    """Judge a batch folder; returns the summary and the folder of the verdicts."""
    verdicts = batch.parent / "verdicts" / batch.name
    return judge_folder(batch, verdicts, specification, **settings), verdicts
