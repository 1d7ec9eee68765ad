"""What the ledger knows of the landing: loads, files, what was taken, what deserves a look, what is under way."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

# A load: its window is committed here BEFORE the source is asked, so that a rerun has the same load_id.
loads = Table(
    "loads",
    metadata,
    Column("load_id", String, primary_key=True),
    Column("source", String, nullable=False),
    Column("table_name", String, nullable=False),
    Column("state", String, nullable=False),  # planned, committed, empty, failed
    Column("commit_seq", Integer),  # grows with every commit; builds take what is above their mark
    Column("window_low", String),  # inclusive lower bound of the cursor, as text; null: from the beginning
    Column("window_high", String),  # inclusive upper bound of the cursor
    Column("load_date", String, nullable=False),
    Column("path", String),  # relative to the home
    Column("rows", BigInteger, nullable=False, default=0),
    Column("bytes", BigInteger, nullable=False, default=0),
    Column("planned_at", DateTime, nullable=False),
    Column("loaded_at", DateTime),
    Column("kind", String),  # null: a pull; backfill, deletes
    Column("deleted", BigInteger),  # how many of its rows say that a row is gone at the source; null: none
    # the latest cursor that landed, where it lies beyond the window; null: none does
    Column("cursor_high", String),
    Column("warning", Text),
    Column("error", Text),
    Index("loads_of_table", "source", "table_name", "state"),
    Index("loads_by_commit", "commit_seq"),
)

# Files of the landing that hold several loads, and files that nothing reads any more. A file that is not named here is
# its load's own. Readers know the files from `loads.path` alone.
landing_files = Table(
    "landing_files",
    metadata,
    Column("path", String, primary_key=True),  # relative to the home
    Column("source", String, nullable=False),
    Column("table_name", String, nullable=False),
    # planned (being written), merged (read), retired (waits to be deleted)
    Column("state", String, nullable=False),
    Column("span", String, nullable=False),  # what it holds: yyyy-mm-dd, yyyy-mm, or "all"
    Column("rows", BigInteger),
    Column("made_at", DateTime, nullable=False),
    Column("retired_at", DateTime),
    Index("landing_files_of_table", "source", "table_name", "state"),
)

# What deserves a look, as data: of every load, and of what stopped one.
remarks = Table(
    "remarks",
    metadata,
    Column("remark_id", Integer, primary_key=True, autoincrement=True),
    Column("load_id", String, nullable=False),
    Column("source", String, nullable=False),
    Column("table_name", String, nullable=False),
    Column("kind", String, nullable=False),  # ingestion/remarks.py has the list
    Column("column_name", String),
    Column("value", Text),  # a code, a day; never a personal value
    Column("rows", BigInteger),  # how many rows it is about
    Column("share", Float),
    Column("wanted", Float),  # the floor or share that was promised
    Column("why", Text),  # of that number, as the declaration says it
    Column("text", Text, nullable=False),  # a Chinese sentence
    Column("noted_at", DateTime, nullable=False),
    Index("remarks_of_load", "load_id"),
    Index("remarks_of_table", "source", "table_name", "kind"),
)

# Source and landing held against each other: how many rows the source has, and how many we believe that it has.
comparisons = Table(
    "comparisons",
    metadata,
    Column("source", String, primary_key=True),
    Column("table_name", String, primary_key=True),
    Column("compared_at", DateTime, nullable=False),
    Column("source_rows", BigInteger, nullable=False),
    Column("landed_rows", BigInteger, nullable=False),
    Column("gone", BigInteger, nullable=False),  # marked as deleted
    Column("missed", BigInteger, nullable=False),  # landed afterwards: the window had not seen them
    # more were gone than the declaration allows: nothing was marked
    Column("is_refused", Boolean, nullable=False),
)

# The source's own count of a business day beside what landed of it, as the latest reconciliation found them.
declared_days = Table(
    "declared_days",
    metadata,
    Column("source", String, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("declared", BigInteger, nullable=False),
    Column("landed", BigInteger, nullable=False),
    Column("differing", Integer, nullable=False),  # departments and record types of the day that do not agree
    Column("compared_at", DateTime, nullable=False),
)

# How the stops compare on a business day, as the latest reconciliation found them; of the last two months.
stop_days = Table(
    "stop_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("source", String, primary_key=True),  # empty: no stop knows
    Column("unit_code", String, primary_key=True),  # empty: none
    Column("record", String, primary_key=True),
    Column("declared", BigInteger),  # null: the source declares nothing
    Column("landed", BigInteger, nullable=False),
    Column("cut", BigInteger, nullable=False),
    Column("acknowledged", BigInteger, nullable=False),
    Column("read_back", BigInteger, nullable=False),
    Column("stands_since", DateTime, nullable=False),  # the reconciliation that first found these very counts
)

# A span of time that is landed anew window by window; a killed one goes on where `reached` stands.
backfills = Table(
    "backfills",
    metadata,
    Column("backfill_id", Integer, primary_key=True, autoincrement=True),
    Column("source", String, nullable=False),
    Column("table_name", String, nullable=False),
    Column("since", String, nullable=False),
    Column("until", String, nullable=False),
    Column("reached", String, nullable=False),
    Column("rows", BigInteger, nullable=False, default=0),
    Column("began_at", DateTime, nullable=False),
    Column("ended_at", DateTime),
    Index("backfills_of_table", "source", "table_name"),
)

# A dropped file is taken once, by its content.
taken_files = Table(
    "taken_files",
    metadata,
    Column("source", String, primary_key=True),
    Column("table_name", String, primary_key=True),
    Column("content_hash", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("load_id", String, nullable=False),
    Column("taken_at", DateTime, nullable=False),
)
