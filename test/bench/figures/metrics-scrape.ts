import { pino } from "pino";
import { CoordinatorMetrics } from "../../../coordinator/metrics/coordinator-metrics.js";
import { coordinatorView, exampleWorld, telemetryOf } from "../../monitoring/example.js";
import { percentile } from "../measure.js";

const nodes = 200;
const gpus = 8;
const scrapes = 50;

/** From a scraper's call to its last byte, for a whole site's nodes and GPUs with all that is measured of them. */
export async function metricsScrape(): Promise<number> {
  const log = pino({ level: "silent" });
  const world = exampleWorld(nodes, gpus);
  const samples = new Map([...world.state.nodes.values()].map(({ name }) => [name, telemetryOf(name, gpus)]));
  const sessions = { telemetry: (node: string) => samples.get(node), reaches: () => true };
  const view = coordinatorView(world, { sessions });
  const metrics = new CoordinatorMetrics({ listen: "127.0.0.1:0", dataDir: "/", log }, () => view);
  try {
    await metrics.listen();
    const times: number[] = [];
    for (let number = 0; number < scrapes; number++) {
      const begin = performance.now();
      const text = await (await fetch(`http://${metrics.address}/metrics`)).text();
      times.push(performance.now() - begin);
      if (text.split("\nstoker_gpu_power_watts{").length !== nodes * gpus + 1) throw new Error("GPUs are missing");
    }
    return percentile(times, 95);
  } finally {
    metrics.close();
  }
}
