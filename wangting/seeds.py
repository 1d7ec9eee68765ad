"""What the site's seeds call things, for what people read."""

import csv

from wangting.site import current_site


def units() -> dict[str, str]:
    """Unit code → name; empty where the site has no list of units."""
    path = current_site().path / "seeds" / "units.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as lines:
        return {row["unit_code"]: row["unit_name"] for row in csv.DictReader(lines)}
