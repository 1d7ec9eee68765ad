"""How long dashboards take at a million cases: in a real Chromium, from the address to the last chart that stands,
first of those in the window (1,600 × 1,000) as a reader has it, then of the whole page. Each as the first to ask after
a new release, whose answers nobody has asked for yet, and as one who comes later.

    python -m benchmarks.dashboards --release MARTS.duckdb [--rounds 5]

`--release`: a release's `marts.duckdb`, as a build of `benchmarks.build --home` leaves one in its lane; only read.
Server, browser and DuckDB share the machine's two cores. Other rights make every answer another, as a new release does:
the first opening of each kind comes after the file of the rights was touched.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from benchmarks.measuring import machine
from dashboards import declared
from tests.dashboards import browser
from tests.dashboards.running import Superset, stand_over, write_declared


def _middle(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):5.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--release", type=Path, required=True)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    declarations = declared.read()
    # The supervisor's: who sees single persons sees only them.
    dashboards = {
        name: dashboard
        for name, dashboard in declarations.dashboards.items()
        if not any(declarations.datasets[chart.dataset].rights.persons for _, chart in dashboard.charts())
    }
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        bundle = write_declared(Path(folder) / "bundle")
        home = stand_over(given.release, Path(folder) / "var")
        superset = Superset(home, environment={"WANGTING_SUPERSET_WORKERS": "2"})
        superset.bootstrap(bundle, "--user=everyone=效能监督")
        superset.start()
        rights = home / "superset" / "rights.json"
        try:
            with browser.started() as chromium:
                took: dict[str, float] = {}
                reader = browser.Reader(chromium, superset, "everyone", took)
                for name, dashboard in dashboards.items():
                    charts = len(list(dashboard.charts()))
                    reader.open(name, charts)  # the browser has its own files from then on
                    screens: dict[str, list[float]] = {"first": [], "later": []}
                    pages: dict[str, list[float]] = {"first": [], "later": []}
                    for _ in range(given.rounds):
                        for comes in screens:
                            if comes == "first":
                                os.utime(rights)
                            screens[comes].append(reader.first_screen(name))
                        for comes in pages:
                            if comes == "first":
                                os.utime(rights)
                            reader.open(name, charts)
                            pages[comes].append(took[f"{name} (everyone)"])
                    print(f"{name:<18}{charts:3} charts", end="")
                    for what, seconds in (("window", screens), ("whole page", pages)):
                        print(
                            f"  {what} first {_middle(seconds['first'])} later {_middle(seconds['later'])}",
                            end="",
                        )
                    print(flush=True)
        finally:
            superset.stop()


if __name__ == "__main__":
    main()
