"""The house's look: light and dark, system fonts only, colours of the charts.

Tokens are those of Ant Design 5. Fonts are the reader's own: nothing is fetched, and every system that reads Chinese
has one.
"""

from __future__ import annotations

from typing import Any

FONTS = (
    "'Noto Sans CJK SC', 'Source Han Sans SC', 'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Micro Hei', "
    "'Helvetica Neue', Arial, sans-serif"
)
NAME = "网厅数据仓库"

_SPINNER = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" width="48" height="48">'
    '<circle cx="24" cy="24" r="18" fill="none" stroke="#1f5fa8" stroke-width="4" stroke-dasharray="80 40" '
    'stroke-linecap="round"><animateTransform attributeName="transform" type="rotate" from="0 24 24" to="360 24 24" '
    'dur="1s" repeatCount="indefinite"/></circle></svg>'
)

_TOKENS: dict[str, Any] = {
    "brandAppName": NAME,
    "brandLogoAlt": NAME,
    "brandLogoUrl": "/wangting/logo.svg",
    "brandLogoMargin": "14px 0",
    "brandLogoHref": "/",
    "brandLogoHeight": "28px",
    "brandSpinnerUrl": None,
    "brandSpinnerSvg": _SPINNER,
    "colorPrimary": "#1f5fa8",
    "colorLink": "#1f5fa8",
    "colorError": "#c8342b",
    "colorWarning": "#d98a00",
    "colorSuccess": "#2e8b57",
    "colorInfo": "#3a7bd5",
    "fontUrls": [],
    "fontFamily": FONTS,
    "fontFamilyCode": "'Noto Sans Mono CJK SC', Consolas, 'DejaVu Sans Mono', monospace",
    "fontSize": 14,
    "borderRadius": 4,
    "transitionTiming": 0.2,
    "brandIconMaxWidth": 180,
    "fontSizeXS": "8",
    "fontSizeXXL": "28",
    "fontWeightNormal": "400",
    "fontWeightLight": "300",
    "fontWeightStrong": "600",
    "fontWeightBold": "700",
    "colorEditorSelection": "#dbe8f6",
}

# Bars that grow make nobody wiser, and every chart of a page that does so at once makes it slow.
_CHARTS = {"animation": False}
LIGHT: dict[str, Any] = {
    "token": dict(_TOKENS),
    "algorithm": "default",
    "echartsOptionsOverrides": _CHARTS,
}
DARK: dict[str, Any] = {
    "echartsOptionsOverrides": _CHARTS,
    "token": {
        **_TOKENS,
        "colorPrimary": "#5b9ae6",
        "colorLink": "#7db2f0",
        "colorEditorSelection": "#29405e",
    },
    "algorithm": "dark",
}

# Ten colours that stay apart for readers who cannot tell red from green; the first is the house's own.
COLOURS = [
    "#1f5fa8",
    "#e08e0b",
    "#2a9d8f",
    "#b5426b",
    "#6c5fc7",
    "#7a9e1f",
    "#4fa3d9",
    "#a8642a",
    "#8a8f98",
    "#d6604d",
]
CATEGORICAL: list[dict[str, Any]] = [
    {"id": "wangting", "description": "网厅", "label": "网厅", "isDefault": True, "colors": COLOURS}
]
SEQUENTIAL: list[dict[str, Any]] = [
    {
        "id": "wangtingBlues",
        "description": "网厅蓝",
        "label": "网厅蓝",
        "isDiverging": False,
        "isDefault": True,
        "colors": ["#eef4fb", "#c7dbf0", "#93b9de", "#5b92c8", "#1f5fa8", "#123c6e"],
    }
]

# Drawn here, so that there is no picture to fetch or to copy: a gate, as a hall has one.
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 150 28" height="28" role="img" aria-label="网厅">'
    '<path d="M3 25V9L14 3l11 6v16h-6v-9h-3v9h-4v-9H9v9z" fill="#1f5fa8"/>'
    '<text x="33" y="20" font-size="16" font-weight="600" fill="#5b7fa8" '
    'font-family="Noto Sans CJK SC,PingFang SC,Microsoft YaHei,sans-serif">网厅数据仓库</text></svg>'
)
