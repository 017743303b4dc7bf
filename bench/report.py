"""Turns measurements into markdown. Medians over rounds; ratios are always within the same run."""

from __future__ import annotations

from statistics import median
from typing import Any

from cases import CASES, HELD_MS

BASELINES = ("nginx", "litellm", "portkey", "sglang-router")
Rounds = list[dict[str, Any]]


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _of(rounds: Rounds, key: str) -> float | None:
    values = [entry[key] for entry in rounds if entry.get(key) is not None]
    return median(values) if values else None


def _show(value: float | None, unit: str = "") -> str:
    """Three significant digits, thousands separated; nothing is more exact than that here."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}{unit}"
    return f"{value:.3g}{unit}"


def _pair(rounds: Rounds, *keys: str) -> str:
    return " / ".join(_show(_of(rounds, key)) for key in keys)


def _cpu(rounds: Rounds) -> str:
    values = [entry["cpu_us"] for entry in rounds if entry.get("cpu_us")]
    if not values:
        return "-"
    return f"**{_show(median(values))}** ({_show(min(values))}-{_show(max(values))})"


def _ratio(cost: float | None, base: float | None) -> str:
    return f"{_show(base / cost)}x" if cost and base else "-"


def _bad(rounds: Rounds) -> str:
    bad, done = sum(entry["bad"] for entry in rounds), sum(entry["done"] for entry in rounds)
    return f"{bad} of {bad + done}" if bad else "0"


def closed(name: str, measured: dict[str, Rounds]) -> str:
    """One table of a closed-loop case. A ratio says how many times the other's core cap this target has."""
    case = CASES[name]
    cost = {target: _of(rounds, "cpu_us") or 0.0 for target, rounds in measured.items()}
    others = [other for other in BASELINES if cost.get(other)]
    header = ["target", "CPU us/req (min-max)"] + (["us/event"] if case.tokens else []) + ["core cap req/s"]
    header += [f"vs {other}" for other in others]
    header += ["req/s", "core busy", "p50 / p99 ms", "TTFB p50 / p99 ms", "bad"]
    rows = []
    for target, rounds in measured.items():
        cap = 1e6 / cost[target] if cost[target] else None
        row = [target, _cpu(rounds)]
        row += [_show(_of(rounds, "cpu_us_per_event") or None)] if case.tokens else []
        row += [_show(cap), *(_ratio(cost[target], cost[other]) for other in others), _show(_of(rounds, "per_s"))]
        row += [f"{100 * (_of(rounds, 'busy') or 0):.0f}%" if cap else "-"]
        row += [_pair(rounds, "p50_ms", "p99_ms"), _pair(rounds, "ttfb_p50_ms", "ttfb_p99_ms"), _bad(rounds)]
        rows.append(row)
    return f"### {name}: {case.about}\n\n{_table(header, rows)}"


def latency(measured: dict[float, dict[str, Rounds]]) -> str:
    """Added latency at fixed rates; a target whose core cap is too near a rate was not asked for it."""
    rates = sorted(measured)
    targets = list(dict.fromkeys(target for rate in rates for target in measured[rate]))
    header = ["target"]
    for rate in rates:
        header += [f"{rate:g}/s: p50 / p99 ms", "p50 over direct", "bad"]
    rows = []
    for target in targets:
        row = [target]
        for rate in rates:
            rounds = measured[rate].get(target)
            if not rounds:
                row += ["over capacity", "-", "-"]
                continue
            own, direct = _of(rounds, "p50_ms"), _of(measured[rate].get("direct", []), "p50_ms")
            added = "-" if own is None or direct is None or target == "direct" else f"{own - direct:+.2f}"
            late = sum(entry["unsent"] for entry in rounds)
            row += [_pair(rounds, "p50_ms", "p99_ms"), added, _bad(rounds) + (f", {late} unsent" if late else "")]
        rows.append(row)
    return f"### latency: {CASES['latency'].about}\n\n{_table(header, rows)}"


def streams(asked: int, measured: dict[str, Rounds]) -> str:
    header = [
        "target",
        "open at once",
        "complete",
        "incomplete",
        "lost",
        "CPU us/event",
        "TTFB p50 / p99 ms",
        "longest gap p50 / max ms",
        "memory at peak MB",
    ]
    rows = []
    for target, rounds in measured.items():
        row = [target] + [_show(_of(rounds, key)) for key in ("peak_open", "complete", "incomplete", "lost")]
        row += [_show(_of(rounds, "cpu_us_per_event") or None), _pair(rounds, "ttfb_p50_ms", "ttfb_p99_ms")]
        row += [_pair(rounds, "gap_p50_ms", "gap_max_ms"), _show(_of(rounds, "memory_mb") or None)]
        rows.append(row)
    about = f"{asked:,} streams held open, one event per {HELD_MS:,} ms"
    return f"### streams: {about}\n\n{_table(header, rows)}"


def footprint(targets: dict[str, dict[str, Any]]) -> str:
    header = ["target", "version", "cold start s", "memory idle MB", "memory after MB"]
    rows = [
        [name, facts["version"] or "-"] + [_show(facts.get(key)) for key in ("cold_start_s", "idle_mb", "after_mb")]
        for name, facts in targets.items()
        if name != "direct"
    ]
    return f"### footprint (memory is PSS of the process tree)\n\n{_table(header, rows)}"


def markdown(run: dict[str, Any]) -> str:
    """The whole report of one run."""
    machine = run["machine"]
    parts = [
        f"## Benchmark, {run['started']}",
        (
            f"{machine['cpu']}, {machine['cores']} cores, {machine['kernel']}, Python {machine['python']}; "
            f"server on core {machine['server_core']}, upstream and load on core {machine['load_core']}; "
            f"{run['rounds']} rounds of {run['seconds']:g} s, interleaved, medians; "
            f"load average {machine['load_before']} before, {machine['load_after']} after. "
            "Differences under 20% are ties."
        ),
    ]
    for name in run["cases"]:
        measured = run["results"].get(name, {})
        if name == "latency":
            parts.append(latency({float(rate): found for rate, found in measured.items()}))
        elif name == "streams":
            parts.append(streams(run["streams"], measured))
        elif measured:
            parts.append(closed(name, measured))
    parts.append(footprint(run["targets"]))
    if run["failures"]:
        parts.append("### failures\n\n" + "\n".join(f"- {line}" for line in run["failures"]))
    return "\n\n".join(parts)
