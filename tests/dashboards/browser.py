"""A real browser before a real Superset: who logs in, opens dashboards, filters and clicks, and every complaint.

The browser is one that the machine has; none is ever fetched.
"""

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, Response, sync_playwright

from tests.dashboards.running import ROOT, Superset

# What people look at afterwards: every dashboard as it was seen.
SCREENSHOTS = Path(os.environ.get("TEST_SCREENSHOTS") or ROOT / "var" / "screenshots")
# How long each step took, told at the end.
SECONDS = pytest.StashKey[dict[str, float]]()
_ALONE = (
    "--no-sandbox",  # tests may run as root
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
    # As a person's browser: before one that says it is driven, Superset draws the whole page at once.
    "--disable-blink-features=AutomationControlled",
)
_WIDTH, _HEIGHT = 1600, 1000
_PATIENCE = 90_000
_CHART = '[data-test="chart-grid-component"]'

# Every chart of the page: what it is called, what stands in it. A canvas is first there and then painted.
_SURVEY = """
() => [...document.querySelectorAll('[data-test="chart-grid-component"]')].map(one => {
  const painted = canvas => {
    const small = Object.assign(document.createElement('canvas'), {width: 200, height: 100}).getContext('2d');
    small.drawImage(canvas, 0, 0, 200, 100);
    return small.getImageData(0, 0, 200, 100).data.filter((value, at) => at % 4 === 3 && value > 0).length > 100;
  };
  const text = found => found ? found.innerText.trim() : '';
  const alert = one.querySelector('.ant-alert, [role="alert"]');
  const rows = [...one.querySelectorAll('tbody tr')].map(row => [...row.querySelectorAll('td')].map(text));
  const canvases = [...one.querySelectorAll('canvas')].filter(canvas => canvas.width && canvas.height);
  const number = text(one.querySelector('.header-line'));
  let state = 'waiting';
  if (one.querySelector('.loading, [aria-label="Loading"]')) state = 'waiting';
  else if (alert) state = 'failed';
  else if (one.querySelector('.ant-empty')) state = 'empty';
  else if (rows.length || number || (canvases.length && canvases.every(painted))) state = 'drawn';
  return {title: one.dataset.testChartName, state, said: text(alert || one), number, rows,
          heads: [...one.querySelectorAll('thead th')].map(text)};
})
"""
# Bars and lines grow: they are done when what is painted is what was painted a moment ago.
_STILL = """
() => {
  const now = [...document.querySelectorAll('canvas')].map(canvas => {
    const small = Object.assign(document.createElement('canvas'), {width: 200, height: 100});
    small.getContext('2d').drawImage(canvas, 0, 0, 200, 100);
    return small.toDataURL();
  }).join();
  const same = window.paintedBefore === now;
  window.paintedBefore = now;
  return same;
}
"""
_SETTLED = f"""
count => {{
  const all = ({_SURVEY.strip()})();
  return all.length === count && !all.some(one => one.state === 'waiting');
}}
"""
# What stands in the window as it is opened. Cheap to ask: a canvas is read only once nothing else is missing.
_FIRST_SCREEN = f"""
() => {{
  const seen = [...document.querySelectorAll('[data-test="chart-grid-component"]')].filter(one => {{
    const box = one.getBoundingClientRect();
    return box.top < innerHeight && box.bottom > 0;
  }});
  const there = one => one.querySelector('canvas, tbody tr, .header-line, .ant-empty, .ant-alert, [role="alert"]')
    && !one.querySelector('.loading, [aria-label="Loading"]');
  return seen.length > 0 && seen.every(there)
    && !({_SURVEY.strip()})().some((chart, at) => at < seen.length && chart.state === 'waiting');
}}
"""


def found() -> str | None:
    """The Chromium of this machine, None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def started() -> Iterator[Browser]:
    """The browser, ended with the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found(), args=list(_ALONE))
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True)
class Chart:
    """A chart as it stands on the page.

    Attributes:
        state: drawn, empty, failed. said: the words of an empty or failed one. number: a big number's. heads, rows: of
            a table, as shown.
    """

    title: str
    state: str
    said: str
    number: str
    heads: list[str]
    rows: list[list[str]]


class Reader:
    """Somebody at the browser, logged in.

    Attributes:
        complaints: what the browser complained of since the last `open`: errors on the console and in scripts, answers
            of 400 and more, requests that failed.
    """

    def __init__(self, browser: Browser, superset: Superset, name: str, seconds: dict[str, float]) -> None:
        self.name = name
        self.complaints: list[str] = []
        self._address = superset.address
        self._seconds = seconds
        self._charts = 0
        self.page = browser.new_context(
            viewport={"width": _WIDTH, "height": _HEIGHT}, locale="zh-CN", timezone_id="Asia/Shanghai"
        ).new_page()
        self.page.set_default_timeout(_PATIENCE)
        self._listen(self.page)
        self.page.goto(f"{self._address}/login/")
        self.page.locator("#username").fill(name)
        self.before = self.page.locator("body").inner_text()
        self.page.locator("#password").fill(superset.passwords[name])
        self.page.locator('button[type="submit"]').click()
        self.page.wait_for_url(lambda url: "/login" not in url)

    def _listen(self, page: Page) -> None:
        def complain(text: str) -> None:
            self.complaints.append(text)

        def answered(response: Response) -> None:
            if response.status >= 400:
                complain(f"{response.status} {response.request.method} {response.url}")

        page.on("console", lambda said: complain(f"console: {said.text}") if said.type == "error" else None)
        page.on("pageerror", lambda error: complain(f"script: {error}"))
        page.on("response", answered)
        # A page that is left breaks off what it was still asking for.
        page.on(
            "requestfailed",
            lambda asked: (
                complain(f"{asked.failure} {asked.url}") if "ERR_ABORTED" not in str(asked.failure) else None
            ),
        )

    def visit(self, path: str, until: str) -> str:
        """Open any page; returns its text once it says something."""
        self.complaints.clear()
        self.page.goto(f"{self._address}{path}")
        self.page.get_by_text(until).first.wait_for()
        return str(self.page.locator("body").inner_text())

    def open(self, slug: str, charts: int) -> list[Chart]:
        """Open a dashboard and wait until each of its so many charts stands there."""
        self.complaints.clear()
        started = time.monotonic()
        self._go_to(slug)
        self._charts = charts
        self.page.locator(_CHART).first.wait_for()
        # Superset draws what comes into view: a window as high as the page has all of it in view.
        self._unroll()
        shown = self.charts()
        self._seconds[f"{slug} ({self.name})"] = time.monotonic() - started
        return shown

    def first_screen(self, slug: str) -> float:
        """Open a dashboard and wait until every chart in the window stands; the seconds that it took."""
        started = time.monotonic()
        self._go_to(slug, "commit")
        self.page.wait_for_function(_FIRST_SCREEN, polling=50)
        return time.monotonic() - started

    def _go_to(self, slug: str, until: Literal["commit", "load"] = "load") -> None:
        self.page.set_viewport_size({"width": _WIDTH, "height": _HEIGHT})
        self.page.goto(f"{self._address}/superset/dashboard/{slug}/", wait_until=until)

    def _unroll(self) -> None:
        height = int(self.page.evaluate("document.documentElement.scrollHeight"))
        self.page.set_viewport_size({"width": _WIDTH, "height": max(height, _HEIGHT)})

    def charts(self) -> list[Chart]:
        """The charts once none of them is waiting any more."""
        self.page.wait_for_function(_SETTLED, arg=self._charts, polling=250)
        self._unroll()
        return [Chart(**one) for one in self.page.evaluate(_SURVEY)]

    def chart(self, title: str) -> Chart:
        """One chart by its title, once none is waiting."""
        return next(chart for chart in self.charts() if chart.title == title)

    def words(self) -> list[str]:
        """What Superset's frame and our declarations say on the page: titles, headings, filters, heads of tables."""
        self.page.locator('[data-test="filter-control-name"]').first.wait_for(state="attached")
        return [
            text.strip()
            for place in (
                '[data-test="dashboard-header-container"]',
                '[data-test="filter-control-name"]',
                '[data-test="filter-bar"]',
                ".dashboard-component-header",
                '[data-test="slice-header"]',
                f"{_CHART} thead th",
                f"{_CHART} .dt-controls",
                ".subtitle-line",
            )
            for text in self.page.locator(place).evaluate_all("all => all.map(one => one.textContent)")
        ]

    def picture(self, name: str) -> Path:
        """The whole page as a picture for people."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.wait_for_function(_STILL, polling=500)
        self.page.screenshot(path=path, full_page=True, animations="disabled")
        return path

    def choose(self, filter_name: str, value: str, chart: str) -> None:
        """Choose a value of a native filter and apply it; returns when `chart` has asked again."""
        box = self.page.locator(f"#NATIVE_FILTER-{filter_name}")
        box.click()
        box.fill(value)
        self.page.locator(f'.ant-select-item-option[title="{value}"]').first.click()
        with self._asked(chart):
            self.page.locator('[data-test="filter-bar__apply-button"]').click()

    def click(self, chart: str, text: str, *, asks: str) -> None:
        """Click a cell of a table by its text; returns when the chart `asks` has asked again."""
        with self._asked(asks):
            self.cell(chart, text).click()

    def cell(self, chart: str, text: str) -> Any:
        """A cell of a table by its whole text."""
        exact = re.compile(rf"^\s*{re.escape(text)}\s*$")
        return self._one(chart).locator("tbody td").filter(has_text=exact).first

    def drill(self, chart: str, text: str) -> tuple[str, list[str]]:
        """Ask for the details of a cell's value by the menu of its right button.

        Returns:
            How many rows there are, as the page says it, and the cells that it shows.
        """
        self.cell(chart, text).click(button="right")
        self.page.get_by_role("menuitem", name="按值查看明细").hover()
        self.page.get_by_role("menuitem", name=text).click()
        cells = self.page.locator(".ant-modal .virtual-table-cell")
        cells.first.wait_for()
        return self.page.locator(
            '.ant-modal [data-test="row-count-label"]'
        ).inner_text(), cells.all_inner_texts()

    def _one(self, chart: str) -> Any:
        return self.page.locator(f'{_CHART}[data-test-chart-name="{chart}"]')

    def _asked(self, chart: str) -> Any:
        number = self._one(chart).get_attribute("data-test-chart-id")

        def is_it(answer: Response) -> bool:
            if "/api/v1/chart/data" not in answer.url:
                return False
            asked = answer.request.post_data_json or {}
            return str((asked.get("form_data") or {}).get("slice_id")) == number

        return self.page.expect_response(is_it)
