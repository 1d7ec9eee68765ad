"""Pages of our own in place of Superset's: what a reader sees where there is nothing to see, in their language.

Superset 6.1 answers an address that is not there, or that the reader may not see, with a finished English page that
asks another company for its letters.
"""

from __future__ import annotations

from dashboards.superset import theme

_WORDS = {
    "zh": {
        404: ("没有这个页面", "地址可能有误，或者您没有查看它的权限。", "回到主页"),
        429: ("登录失败的次数太多", "请过几分钟再试；忘记密码时，请告诉管理员。", "回到主页"),
        500: ("出错了", "请稍后再试；仍不行时，请告诉管理员。", "回到主页"),
    },
    "en": {
        404: ("Page not found", "The address may be wrong, or you have no right to see the page.", "Home"),
        429: (
            "Too many failed logins",
            "Please try again in a few minutes, and ask your administrator for a new password.",
            "Home",
        ),
        500: (
            "Something went wrong",
            "Please try again later, and tell your administrator if it stays.",
            "Home",
        ),
    },
}
_PAGE = """<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="/wangting/logo.svg">
<style>body {{ font-family: {fonts}; background: #f5f5f5; margin: 15vh auto; max-width: 32em; padding: 0 1em }}
a {{ color: {colour} }}</style></head>
<body><img src="/wangting/logo.svg" alt="{name}"><h1>{title}</h1><p>{text}</p>
<p><a href="/">{home}</a></p></body></html>
"""


def instead(status: int, language: str) -> str | None:
    """The page for a status in one of our languages (Chinese for any other); None where Superset's own will do."""
    words = _WORDS.get(language, _WORDS["zh"]).get(status)
    if words is None:
        return None
    title, text, home = words
    return _PAGE.format(
        language=language,
        title=title,
        text=text,
        home=home,
        fonts=theme.FONTS,
        colour=theme.LIGHT["token"]["colorPrimary"],
        name=theme.NAME,
    )
