"""XML: the provincial service takes one message a record.

Fields go in the specification's order; an empty one is left out; times are yyyy-MM-dd HH:mm:ss. Values are escaped
and otherwise sent as they are. Characters that XML 1.0 forbids cannot be sent in any form and are not quietly
dropped either: such a record is refused here, with a receipt of our own that names the field.
"""

from collections.abc import Sequence
from urllib.parse import urlencode

from exchange.messages import Message
from exchange.receivers import answers
from exchange.receivers.http import HttpReceiver
from exchange.receivers.names import Names, own_fields, text
from exchange.receivers.protocol import Answer, Wording
from exchange.records import Field, RecordType

# A carriage return would come out of any XML reader as a line feed, so it is written as a reference.
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
_FORBIDDEN = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]"


class XmlReceiver(HttpReceiver):
    """The service that takes one XML message a request."""

    content_type = "application/xml; charset=utf-8"

    def wording(self, kind: RecordType) -> Wording:
        """See the protocol."""
        return wording(kind, self.wire(kind), self._dept)

    async def submit(self, messages: Sequence[Message]) -> list[Answer]:
        """See the protocol; one message."""
        (message,) = messages
        came = await self.post(message.address, message.body)
        if isinstance(came, Answer):
            return [came]
        status, content = came
        names, found = self.names[message.record], answers.parsed(content)
        refused = None
        try:
            return [answers.receipt(status, found, message, names, self.scrub, via_bus=self._via_bus)]
        except answers.BusUnwelcomeError as error:
            refused = error
        raise self.unwelcome(refused)


def wording(kind: RecordType, names: Names, dept_code: str) -> Wording:
    """How records of one type are worded."""
    return Wording(
        _address(names, dept_code), _message(kind, names), _unsendable(kind), "含 XML 不允许的控制字符"
    )


def _value(field: Field, names: Names) -> str:
    value = text(field, names)
    if field.type != "text":
        return value
    for plain, escaped in _ESCAPES:
        value = f"replace({value}, '{plain}', '{escaped}')"
    return f"nullif(replace({value}, chr(13), '&#13;'), '')"


def _message(kind: RecordType, names: Names) -> str:
    parts = [f"'<ExInfo><standardInfo process=\"{names.record}\">'"]
    parts += [
        f"coalesce('<Field FieldName=\"{names.fields[field.official]}\">' || {_value(field, names)}"
        " || '</Field>', '')"
        for field in own_fields(kind)
    ]
    parts += ["'<Field FieldName=\"VERSION\">' || version || '</Field></standardInfo></ExInfo>'"]
    return " || ".join(parts)


def _unsendable(kind: RecordType) -> str:
    # The rendered message is looked at first: nearly always it is clean.
    cases = " ".join(
        f"when regexp_matches(coalesce(\"{field.column}\", ''), '{_FORBIDDEN}') then '{field.official}'"
        for field in own_fields(kind)
        if field.type == "text"
    )
    return f"case when regexp_matches(body, '{_FORBIDDEN}') then case {cases} else '?' end end"


def _address(names: Names, dept_code: str) -> str:
    start = urlencode({"deptCode": dept_code, "tableName": names.record}).replace("'", "''")
    return f"'/submit?{start}&identify=' || url_encode(record_key) || '&version=' || version"
