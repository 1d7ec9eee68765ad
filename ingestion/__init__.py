"""What did the source say? Pulls what is new from every system and lands it as immutable Parquet."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingestion.pulling import LoadResult, pull, pull_if_available, pull_table

__all__ = ["LoadResult", "pull", "pull_if_available", "pull_table"]


def __getattr__(name: str) -> Any:
    # The engine and the ledger are imported when something is pulled, not when a command line starts.
    if name in __all__:
        from ingestion import pulling

        return getattr(pulling, name)
    raise AttributeError(f"module 'ingestion' has no attribute {name!r}")
