"""How is a Chinese word written by the first letters of its sounds? Older systems call columns so: sqsj is 申请时间."""

import re
import unicodedata

# GB 2312 has its first-level signs in the order of their sounds; the sign with which each letter begins.
_FIRST = "啊芭擦搭蛾发噶哈击喀垃妈拿哦啪期然撒塌挖昔压匝"
_LETTERS = "abcdefghjklmnopqrstwxyz"
# Second-level signs are in the order of their strokes; of those, the ones that names of columns have.
_OTHERS = {
    "窗": "c",
    "澳": "a",
    "邮": "y",
    "赋": "f",
    "衔": "x",
    "暂": "z",
    "缴": "j",
    "寄": "j",
    "赁": "l",
    "讼": "s",
    "咨": "z",
    "诉": "s",
}


def initials(text: str) -> str:
    """The first letters of a text's sounds, lower case; other letters and digits as they are, the rest left out."""
    return "".join(_initial(sign) for sign in unicodedata.normalize("NFKC", text))


def _initial(sign: str) -> str:
    if sign.isascii():
        return sign.lower() if sign.isalnum() else ""
    if sign in _OTHERS:
        return _OTHERS[sign]
    code = sign.encode("gb2312", "ignore")
    if len(code) != 2 or not b"\xb0\xa1" <= code <= b"\xd7\xf9":
        return ""
    starts = [first.encode("gb2312") for first in _FIRST]
    return _LETTERS[sum(1 for start in starts if start <= code) - 1]


def plain_name(text: str) -> str:
    """A text as the name of a table: small letters, digits, underscores, letter first, or empty."""
    parts = re.split(r"[^0-9A-Za-z\u3400-\u9fff]+", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text))
    joined = "_".join(filter(None, (initials(part) for part in parts)))
    return joined if not joined or joined[0].isalpha() else f"t_{joined}"
