import type { HealthRule } from "../health.js";

export const hot: HealthRule = {
  name: "hot",
  state: "suspect",
  readings: 3,
  lasts: false,
  advice: "look at the machine's fans, filters and room",
  source: "hw_thermal_slowdown among the reasons for lower clocks",
  found: ({ gpu }) =>
    gpu.eventReasons.includes("hw_thermal_slowdown")
      ? `slows down for its heat${gpu.temperature.celsius === undefined ? "" : ` (${gpu.temperature.celsius} °C)`}`
      : undefined,
};
