"""JSON: messages {sblsh, sptype, spobject}, several in one request where the site's `province.batch` allows.

`sptype` is the record type's number in the specification, 0–9; `spobject` holds the official fields as text, empty ones
left out, times as yyyy-MM-dd HH:mm:ss, and VERSION. One message goes as an object, several as a list; the answer is
one receipt, or a list of them under `data`. JSON can carry every text that we can hold.
"""

from collections.abc import Sequence
from urllib.parse import urlencode

from exchange.messages import Message
from exchange.receivers import answers
from exchange.receivers.http import HttpReceiver
from exchange.receivers.names import Names, own_fields, text
from exchange.receivers.protocol import Answer, Wording
from exchange.records import Field, RecordType
from wangting.errors import WangtingError


class JsonReceiver(HttpReceiver):
    """The service that takes JSON messages."""

    content_type = "application/json; charset=utf-8"

    def wording(self, kind: RecordType) -> Wording:
        """See the protocol."""
        return wording(kind, self.wire(kind), self._dept)

    async def submit(self, messages: Sequence[Message]) -> list[Answer]:
        """See the protocol."""
        first = messages[0]
        names = self.names[first.record]
        body = first.body if len(messages) == 1 else b"[" + b",".join(each.body for each in messages) + b"]"
        came = await self.post(first.address, body)
        if isinstance(came, Answer):
            return [came] * len(messages)
        status, content = came
        refused = None
        try:
            return answers.receipts(
                status, answers.parsed(content), messages, names, self.scrub, via_bus=self._via_bus
            )
        except answers.BusUnwelcomeError as error:
            refused = error
        raise self.unwelcome(refused)


def wording(kind: RecordType, names: Names, dept_code: str) -> Wording:
    """How records of one type are worded.

    Raises:
        WangtingError: the record type has no number.
    """
    if kind.number is None:
        raise WangtingError(
            f"{kind.record} 在规范中没有编号，JSON 报文（sptype 0–9）无法报送",
            place="province.dialect",
            mend="改用 xml 或 front_end，或在规范中补上编号",
        )
    address = "/submit.json?" + urlencode({"deptCode": dept_code})
    body = (
        f"'{{\"sblsh\":' || to_json(case_no) || ',\"sptype\":{kind.number},\"spobject\":{{' || concat_ws(',', "
        + ", ".join(_pair(field, names) for field in own_fields(kind))
        + ", '\"VERSION\":\"' || version || '\"') || '}}'"
    )
    return Wording(_quoted(address), body, "cast(null as varchar)", "")


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _pair(field: Field, names: Names) -> str:
    return f"'\"{names.fields[field.official]}\":' || to_json(nullif({text(field, names)}, ''))"
