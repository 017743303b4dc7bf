// What the pages do in a browser with scripts: copy a new key, draw the usage. Without scripts everything else works.
"use strict";

for (const button of document.querySelectorAll("button[data-copies]")) {
  const source = document.getElementById(button.dataset.copies);
  button.hidden = false;
  button.addEventListener("click", async () => {
    source.select();
    try {
      await navigator.clipboard.writeText(source.value);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Press Ctrl+C";
    }
  });
}

// The plot says again what the table beside it says, so the table is where it takes its numbers from.
for (const place of document.querySelectorAll("[data-plots]")) {
  // The latest day stands first there, and last here.
  const rows = [...document.getElementById(place.dataset.plots).querySelectorAll("tbody tr[data-day]")].reverse();
  if (rows.length === 0 || typeof uPlot === "undefined") continue;
  place.parentElement.hidden = false;
  const read = (name) => rows.map((row) => Number(row.dataset[name]));
  const colour = (name) => getComputedStyle(place).getPropertyValue(name).trim();
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
  const bars = uPlot.paths.bars({ size: [0.7, 48], radius: 0.15 });
  const plain = (value) => (value == null ? "" : value.toLocaleString("en-US"));
  const short = (value) =>
    value >= 1e9 ? `${value / 1e9}G` : value >= 1e6 ? `${value / 1e6}M` : value >= 1e3 ? `${value / 1e3}k` : `${value}`;
  const options = {
    width: place.clientWidth,
    height: 260,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "UTC"),
    cursor: { points: { size: 7 } },
    scales: {
      x: { range: (_, from, to) => [from - 43200, to + 43200] },
      usd: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 0.01] },
      tokens: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
    },
    series: [
      { label: "Day", value: "{YYYY}-{MM}-{DD}" },
      { label: "Cost", scale: "usd", stroke: colour("--accent"), fill: colour("--accent-fill"), paths: bars, points: { show: false },
        value: (_, value) => (value == null ? "" : `$${value}`) },
      { label: "Tokens", scale: "tokens", stroke: colour("--second"), width: 2, value: (_, value) => plain(value) },
    ],
    axes: [
      { ...axis, values: (_, days) => days.map((day) => new Date(day * 1e3).toISOString().slice(5, 10)), incrs: [1, 2, 7, 14, 30, 60].map((days) => days * 86400), space: 54 },
      { ...axis, scale: "usd", size: 64, values: (_, values) => values.map((value) => `$${+value.toPrecision(6)}`) },
      { ...axis, scale: "tokens", side: 1, size: 52, grid: { show: false }, values: (_, values) => values.map(short) },
    ],
  };
  const plot = new uPlot(options, [read("day"), read("usd"), read("tokens")], place);
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: options.height })).observe(place);
}
