import type { HealthRule } from "../health.js";

export const fabric: HealthRule = {
  name: "fabric",
  state: "suspect",
  readings: 3,
  lasts: false,
  advice: "look at the fabric manager: systemctl status nvidia-fabricmanager",
  source: "fabric state, status and health; N/A on cards without one, In Progress for a while after boot",
  found: ({ gpu }) => {
    const { state, status, health } = gpu.fabric;
    if (health !== undefined && /unhealthy/i.test(health)) return `is said by its fabric to be ${health.toLowerCase()}`;
    return state === "Completed" && status !== undefined && status !== "Success"
      ? `could not join its fabric (${status})`
      : undefined;
  },
};
