"""`python -m tests.benchmarks.plot FILE`: draws the results of the benchmark's `--json FILE`.

It writes `results-light.svg` and `results-dark.svg` beside this file: requests per second of each
server, a chart for each workload, medians of the rounds at the fewest connections measured.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

STYLES = {
    "light": {"text": "#1f2328", "ours": "#8250df", "theirs": "#afb8c1"},
    "dark": {"text": "#e6edf3", "ours": "#a371f7", "theirs": "#6e7681"},
}
"""Colours for light and dark pages."""


def rates(measurements: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Requests per second by workload and server."""
    fewest = min(one["connections"] for one in measurements)
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in measurements:
        if one["connections"] == fewest:
            found[one["workload"]][one["server"]].append(one["requests_per_second"])
    return {
        workload: {server: median(rounds) for server, rounds in servers.items()}
        for workload, servers in found.items()
    }


def draw(charts: dict[str, dict[str, float]], colours: dict[str, str]) -> Figure:
    """A bar chart for each workload, with the fastest server at the top."""
    figure = Figure(figsize=(9, 1.6 * ((len(charts) + 1) // 2) + 0.3), layout="constrained")
    places = [*figure.subplots((len(charts) + 1) // 2, 2, squeeze=False).flat]
    for place, (workload, servers) in zip(places, charts.items(), strict=False):
        names = sorted(servers, key=servers.__getitem__)
        values = [servers[name] for name in names]
        bars = place.barh(
            names, values, color=[colours["ours" if name == "ours" else "theirs"] for name in names]
        )
        place.bar_label(bars, [f" {value:,.0f}" for value in values], color=colours["text"])
        place.set_title(workload, loc="left", color=colours["text"], fontweight="bold", fontsize=10)
        place.set_xlim(0, max(values) * 1.2)
        place.tick_params(colors=colours["text"], length=0)
        place.xaxis.set_visible(False)
        place.set_frame_on(False)
    for place in places[len(charts) :]:
        place.set_axis_off()
    return figure


def main() -> None:
    """Read the measurements, and write both pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    charts = rates(json.loads(parser.parse_args().file.read_text())["measurements"])
    # Keep text as text, and make the output reproducible.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "heroes", "font.size": 9})
    for style, colours in STYLES.items():
        file = Path(__file__).with_name(f"results-{style}.svg")
        draw(charts, colours).savefig(file, transparent=True, metadata={"Date": None})


if __name__ == "__main__":
    main()
