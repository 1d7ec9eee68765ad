"""All benchmarks one after the other; their figures are copied to benchmarks/RESULTS.md with the machine."""

import subprocess
import sys

for name in ("landing", "services", "documents", "build", "process", "gate", "push"):
    print(f"\n===== {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
