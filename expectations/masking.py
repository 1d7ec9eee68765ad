"""How a value is shown outside the working files. Masked before it is stored, never after."""

from typing import Any

from expectations.model import Mask


def masked(value: Any, mask: Mask | None) -> str | None:
    """The value as evidence may keep it.

    Args:
        mask: name → first character and **; identifier → first 3, ***, last 2; phone → first 3, ****, last 4;
            text → its length alone; None → as it is, cut to 60 characters.
    """
    if value is None or value != value:  # NaN is how pandas says null
        return None
    text = str(value)
    if mask is None:
        return text if len(text) <= 60 else f"{text[:60]}…（共{len(text)}字）"
    if mask == "text":
        return f"（{len(text)}字）"
    if mask == "name":
        return f"{text[:1]}**"
    kept = (3, 2, "***") if mask == "identifier" else (3, 4, "****")
    # A value too short to hide its middle shows nothing but its length.
    if len(text) < kept[0] + kept[1] + 2:
        return f"（{len(text)}字）"
    return f"{text[: kept[0]]}{kept[2]}{text[-kept[1] :]}"
