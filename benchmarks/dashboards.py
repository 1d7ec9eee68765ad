"""How long dashboards take at a million cases: in a real Chromium, from the address to the last chart that stands,
first of those in the window (1,600 × 1,000) as a reader has it, then of the whole page.

    python -m benchmarks.dashboards --release MARTS.duckdb [--rounds 5]

`--release`: a release's `marts.duckdb`, as a build of `benchmarks.build --home` leaves one in its lane; only read.
Server, browser and DuckDB share the machine's two cores, and nothing is cached between two openings but the browser's
own files: every opening asks for all of its charts anew.
"""

import argparse
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
        try:
            with browser.started() as chromium:
                took: dict[str, float] = {}
                reader = browser.Reader(chromium, superset, "everyone", took)
                for name, dashboard in dashboards.items():
                    charts = len(list(dashboard.charts()))
                    first = reader.first_screen(name)
                    screens = [reader.first_screen(name) for _ in range(given.rounds)]
                    pages = []
                    for _ in range(given.rounds):
                        reader.open(name, charts)
                        pages.append(took[f"{name} (everyone)"])
                    print(
                        f"{name:<18}{charts:3} charts  first opening {first:5.2f} s, "
                        f"then the window {_middle(screens)}, the whole page {_middle(pages)}",
                        flush=True,
                    )
        finally:
            superset.stop()


if __name__ == "__main__":
    main()
