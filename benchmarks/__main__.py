"""`python3 run.py bench [NAME...]`: runs all benchmarks, or those named. Never part of the tests."""

import sys
from importlib import import_module

NAMES = (
    "startup",
    "importing",
    "tagging",
    "classifying",
    "forum",
    "learning",
    "digest",
    "asking",
    "acknowledging",
    "live",
    "backfill",
)


def main(wanted: list[str]) -> None:
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}. There are: {', '.join(NAMES)}.")
    for name in wanted or NAMES:
        print(f"\n== {name}", flush=True)
        import_module(f"benchmarks.{name}").run()


if __name__ == "__main__":
    main(sys.argv[1:])
