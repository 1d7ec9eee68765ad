"""One kind of error for people: what is wrong, where, and how to mend it, in one Chinese sentence."""


class WangtingError(Exception):
    """Something a person can mend.

    Args:
        message: what is wrong (Chinese, no full stop).
        place: the system, table, file or line it concerns.
        mend: what to do about it.
    """

    def __init__(self, message: str, *, place: str = "", mend: str = "") -> None:
        super().__init__(message)
        self.message, self.place, self.mend = message, place, mend

    def __str__(self) -> str:
        text = f"【{self.place}】{self.message}" if self.place else self.message
        return f"{text}；{self.mend}。" if self.mend else f"{text}。"

    def as_dict(self) -> dict[str, str]:
        """The same for `--json`."""
        return {"error": self.message, "place": self.place, "mend": self.mend}
