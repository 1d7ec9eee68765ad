"""Which interfaces do the city's services offer, each in its own words?"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Paging:
    """How an interface hands out its pages, and how it calls what it is asked and what it answers.

    Attributes:
        by: page (numbered from 1), offset, cursor (each answer names the next), link (a Link header does).
        page, size: parameters. rows, total, next: places in the answer, names joined by dots; rows empty: the answer is
            the list; total None: it says nothing of how many there are.
        since, until: parameters for the time of change, both inclusive; None: it has none.
    """

    by: Literal["page", "offset", "cursor", "link"]
    page: str
    size: str
    rows: str
    total: str | None = None
    next: str | None = None
    since: str | None = None
    until: str | None = None


PAGES = Paging("page", "page", "size", "data", total="total", since="updated_after")
OFFSETS = Paging(
    "offset", "offset", "limit", "result.rows", total="result.count", since="changed_from", until="changed_to"
)
CURSORS = Paging("cursor", "cursor", "limit", "items", next="next_cursor", since="since")
LINKS = Paging("link", "after", "per_page", "", since="since")


@dataclass(frozen=True)
class Kind:
    """One interface: under which service's prefix, where, from which file, with which columns (empty: all of it).

    Attributes:
        per_second: how many pages it hands out in a second; more is answered by 429.
    """

    prefix: str
    path: str
    file: str
    key: tuple[str, ...]
    columns: str = ""
    paging: Paging = PAGES
    per_second: int | None = None


KINDS = (
    Kind(
        "catalogue",
        "/items",
        "items.parquet",
        ("item_code", "item_version"),
        "item_code item_version item_name parent_item_code item_type unit_code region_code is_settled is_online "
        "online_depth visit_limit promised_limit promised_limit_unit statutory_limit statutory_limit_unit "
        "is_immediate person_theme_code legal_theme_code special_theme_code valid_from valid_to updated_at",
    ),
    Kind("catalogue", "/standards", "item_catalogue__standards.parquet", ("standard_no",)),
    Kind("catalogue", "/power-adjustments", "item_catalogue__power_adjustments.parquet", ("adjustment_no",)),
    Kind("catalogue", "/joint-items", "item_catalogue__joint_items.parquet", ("joint_code", "item_code")),
    Kind(
        "identity",
        "/accounts",
        "accounts.parquet",
        ("account_id",),
        "account_id account_type real_name_level registered_at updated_at id_no",
    ),
    Kind(
        "identity",
        "/login-days",
        "identity__login_days.parquet",
        ("day", "account_type", "channel"),
        paging=OFFSETS,
    ),
    Kind("identity", "/connected-items", "identity__connected_items.parquet", ("item_code",), paging=OFFSETS),
    Kind(
        "elicence",
        "/licences",
        "licences.parquet",
        ("licence_no",),
        "licence_no licence_kind issue_way item_code case_no holder_id_no issued_at valid_until status updated_at",
    ),
    Kind("elicence", "/kinds", "elicence__kinds.parquet", ("kind_code",)),
    Kind("elicence", "/uses", "elicence__uses.parquet", ("use_no",), paging=CURSORS),
    Kind("pages", "/pages", "personal_pages__pages.parquet", ("page_id",), paging=CURSORS),
    Kind("pages", "/login-days", "personal_pages__login_days.parquet", ("day", "page_kind"), paging=CURSORS),
    Kind("pages", "/logins", "personal_pages__logins.parquet", ("page_id", "login_date"), paging=CURSORS),
    Kind("channels", "/offered", "channels__offered_items.parquet", ("channel", "item_code"), paging=LINKS),
    Kind("channels", "/checks", "channels__page_checks.parquet", ("check_no",), paging=LINKS),
    Kind(
        "voices",
        "/complaints",
        "complaints_and_ratings__complaints.parquet",
        ("complaint_no",),
        paging=OFFSETS,
    ),
    Kind(
        "voices", "/questions", "complaints_and_ratings__questions.parquet", ("question_no",), paging=OFFSETS
    ),
    Kind(
        "voices",
        "/ratings",
        "complaints_and_ratings__ratings.parquet",
        ("rating_no",),
        paging=OFFSETS,
        per_second=30,
    ),
    Kind("resources", "/deals", "public_resources__deals.parquet", ("deal_no",), paging=LINKS),
    Kind(
        "sharing", "/entries", "sharing_platform__catalogue_entries.parquet", ("entry_code",), paging=CURSORS
    ),
)
