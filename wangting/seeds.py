"""What the site's seeds call things, for what people read."""

from wangting.site import current_site


def units() -> dict[str, str]:
    """Unit code → name; empty where the site has no list of units."""
    return {row["unit_code"]: row["unit_name"] for row in current_site().seed("units.csv")}
