"""What the ledger knows of figures that were given out for good: which months are frozen, where, and what they hold."""

from sqlalchemy import BigInteger, Column, DateTime, String, Table

from wangting.ledger_landing import metadata

# A month once frozen stays: a row is only ever added, and its file is told by its hash.
frozen_months = Table(
    "frozen_months",
    metadata,
    Column("month", String, primary_key=True),  # yyyy-mm
    Column("frozen_at", DateTime, nullable=False),
    Column("release", String, nullable=False),
    Column("build_id", String, nullable=False),
    Column("path", String, nullable=False),  # relative to the home
    Column("rows", BigInteger, nullable=False),
    Column("sha256", String, nullable=False),
)
