import { expect, it } from "vitest";
import { byLabel, counter, gauge, labels, render } from "./family.js";

it("writes Prometheus' text format", () => {
  const samples = byLabel("state", [
    ["a", 1],
    ["b", 0.5],
  ]);
  const text = render([
    gauge("x", "What x is", samples),
    counter("y_total", "What y is", 3),
    gauge("z", "None", []),
    { name: "s", help: "Sums", type: "summary", samples: [{ labels: "", value: 2, suffix: "_sum" }] },
  ]);
  expect(text).toBe(`# HELP x What x is
# TYPE x gauge
x{state="a"} 1
x{state="b"} 0.5
# HELP y_total What y is
# TYPE y_total counter
y_total 3
# HELP z None
# TYPE z gauge
# HELP s Sums
# TYPE s summary
s_sum 2
`);
});

it("quotes what would end a label, and writes what is no number as Prometheus does", () => {
  expect(labels({ a: 'x"y\\z\nw', b: "plain" })).toBe('a="x\\"y\\\\z\\nw",b="plain"');
  const numbers = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e21];
  const lines = render([
    gauge(
      "n",
      "N",
      numbers.map((value) => ({ labels: "", value })),
    ),
  ]).split("\n");
  expect(lines.slice(2, 6)).toEqual(["n NaN", "n +Inf", "n -Inf", "n 1e+21"]);
});
