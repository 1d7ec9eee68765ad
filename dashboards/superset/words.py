"""Chinese words of ours over Superset's own translation, where that is wrong or missing.

Superset 6.1 ships fuzzy matches as translations: 'Sign in' reads "Not In", 'Languages' reads 范围, 'Last login' reads
上一月. `words/zh.json` has what people who look at dashboards see: `wrong` replaces, `missing` adds. Both readers of
the translation get it: the pages (a JSON pack) and the server's own messages (gettext).
"""

from __future__ import annotations

import json
import re
from typing import Any

from dashboards.superset import place


def overlay() -> dict[str, str]:
    """English text → Chinese text, of both kinds."""
    given = json.loads((place.WORDS / "zh.json").read_text(encoding="utf-8"))
    return {**given["wrong"], **given["missing"]}


def gaps(text: str) -> list[str]:
    """What a text leaves to be filled in, sorted: `%s`, `%(name)s`, `{name}`."""
    return sorted(re.findall(r"%\(\w+\)[sd]|%[sd]|\{\w+\}", text))


def _into_pack(pack: dict[str, Any]) -> None:
    entries = pack["locale_data"]["superset"]
    for text, ours in overlay().items():
        entries[text] = [ours]
    # What has other gaps than the English is the translation of something else, and would show a value in the wrong
    # place.
    for text, words in list(entries.items()):
        if text and words and words[0] and gaps(text) != gaps(words[0]):
            entries[text] = [text]


def pack(lang: str) -> Any:
    """What a page gets as its words: a response with the JSON pack of one of our languages, 404 for others."""
    from flask import Response, abort
    from superset.translations.utils import get_language_pack

    if lang not in ("zh", "en"):
        abort(404)
    found = json.dumps(get_language_pack(lang), ensure_ascii=False)
    return Response(found, mimetype="application/json", headers={"Cache-Control": "private, max-age=300"})


def mend() -> None:
    """Lay the overlay over both, in this process. Superset must be importable; a second call changes nothing."""
    from flask_babel import Domain, get_locale
    from superset.translations.utils import get_language_pack

    pack = get_language_pack("zh")
    if pack and "locale_data" in pack:
        _into_pack(pack)
    if getattr(Domain, "mended", False):
        return
    ours = overlay()
    read = Domain.get_translations

    def with_ours(domain: Any) -> Any:
        found = read(domain)
        catalogue = getattr(found, "_catalog", None)
        if catalogue is not None and not getattr(found, "mended", False):
            if str(get_locale()) in ("zh", "zh_Hans", "zh_Hans_CN", "zh_CN"):
                catalogue.update(ours)
            found.mended = True
        return found

    Domain.get_translations = with_ours
    Domain.mended = True
