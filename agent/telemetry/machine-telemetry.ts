import { create } from "@bufbuild/protobuf";
import type { Logger } from "pino";
import { type Inventory, type Telemetry, TelemetrySchema } from "../../shared/gen/stoker/v1/node_pb.js";
import type { InventoryOverrides, TelemetrySource } from "../ports.js";
import { sources } from "./index.js";
import { inventoryOf } from "./inventory.js";
import { machineOf, readGpus } from "./nvidia-smi.js";
import { askMachine, failureOf, type Machine } from "./smi/ask.js";
import { SmiRuns } from "./smi-runs.js";
import type { Sample, Source } from "./source.js";

interface Running {
  source: Source;
  timer: NodeJS.Timeout;
  busy: boolean;
  failing: boolean;
}

/** Samples each source at its own pace: one that hangs or fails leaves its fields out and holds up nobody. */
export class MachineTelemetry implements TelemetrySource {
  private readonly samples = new Map<string, Sample>();
  private running: Running[] = [];

  constructor(
    private readonly options: { nvidiaSmi?: string; smiRuns?: SmiRuns },
    private readonly log: Logger,
  ) {}

  /** Begins the sampling, too: by then it is known whether there are GPUs to be asked. */
  async inventory(overrides: InventoryOverrides): Promise<Inventory> {
    const program = this.options.nvidiaSmi ?? "nvidia-smi";
    const gpus = (await this.gpus(program)) ?? { devices: [] };
    this.close();
    const asked = gpus.devices.length > 0 ? program : undefined;
    const { smiRuns = new SmiRuns() } = this.options;
    this.running = sources({ nvidiaSmi: asked, smiRuns }).map((source) => this.start(source));
    return inventoryOf(gpus, overrides);
  }

  private async gpus(program: string): Promise<Machine | undefined> {
    const asked = await askMachine(program);
    if (asked.state === "answered") return asked.machine;
    let { sentence, kind } = asked.state === "failed" ? asked.failure : { sentence: asked.why, kind: "no-xml" };
    if (asked.state === "no-xml") {
      try {
        return machineOf((await readGpus(program)) ?? []);
      } catch (error) {
        ({ sentence, kind } = failureOf(error));
      }
    }
    if (kind !== "not-installed") {
      this.log.error({ kind }, `this machine offers no GPUs until its agent is started again: ${sentence}`);
    }
    return undefined;
  }

  latest(): Telemetry | undefined {
    if (this.samples.size === 0) return undefined;
    return create(TelemetrySchema, Object.assign({}, ...this.samples.values()) as Sample);
  }

  close(): void {
    for (const { timer } of this.running) clearInterval(timer);
    this.running = [];
  }

  private start(source: Source): Running {
    const running: Running = {
      source,
      timer: setInterval(() => void this.sample(running), source.everyMs),
      ...{ busy: false, failing: false },
    };
    running.timer.unref();
    void this.sample(running);
    return running;
  }

  private async sample(running: Running): Promise<void> {
    if (running.busy) return;
    running.busy = true;
    const { name } = running.source;
    try {
      this.samples.set(name, await running.source.sample());
      running.failing = false;
    } catch (error) {
      // An old value would look like a measured one.
      this.samples.delete(name);
      if (!running.failing) this.log.warn({ err: error, source: name }, "a telemetry source fails");
      running.failing = true;
    } finally {
      running.busy = false;
    }
  }
}
