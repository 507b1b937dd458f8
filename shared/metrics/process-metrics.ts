import { collectDefaultMetrics, Registry } from "prom-client";

/** Gauges whose names end as those of counters must: Prometheus' own check refuses them, and each has a better one beside it. */
const misnamed = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/** prom-client's own: CPU, memory, open files, garbage collection, and how late the event loop is. */
export function processRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  return registry;
}
