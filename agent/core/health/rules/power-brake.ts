import type { HealthRule } from "../health.js";

export const powerBrake: HealthRule = {
  name: "power-brake",
  state: "suspect",
  readings: 3,
  lasts: false,
  advice: "look at the machine's power supply and the card's cables",
  source: "hw_power_brake_slowdown among the reasons for lower clocks",
  found: ({ gpu }) =>
    gpu.eventReasons.includes("hw_power_brake_slowdown") ? "slows down for want of power" : undefined,
};
