import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Logger } from "pino";
import {
  GpuProcessListSchema,
  type Inventory,
  type Telemetry,
  TelemetrySchema,
} from "../../shared/gen/stoker/v1/node_pb.js";
import type { InventoryOverrides, TelemetrySource } from "../ports.js";
import { AccountNames } from "./account-names.js";
import { GpuInventory, type GpuInventoryOptions } from "./gpu-inventory.js";
import { gpuProcesses } from "./gpu-processes.js";
import { GpuSampler } from "./gpu-sampler.js";
import { gpuTelemetry } from "./gpu-telemetry.js";
import { sources } from "./index.js";
import { inventoryOf } from "./inventory.js";
import { type ProcessTable, processTable } from "./process-table.js";
import type { SmiDocument } from "./smi/document.js";
import type { SmiFailure } from "./smi/failure.js";
import type { SmiRow } from "./smi/rows.js";
import { SmiRuns } from "./smi-runs.js";
import type { Sample, Source } from "./source.js";

interface Running {
  source: Source;
  timer: NodeJS.Timeout;
  busy: boolean;
  failing: boolean;
}

export interface MachineTelemetryOptions extends Partial<GpuInventoryOptions> {
  smiRuns?: SmiRuns;
  /** Between samples. */
  everyMs?: number;
  /** For tests: whose a process is. */
  table?: ProcessTable;
}

export type RowListener = (rows: readonly SmiRow[] | undefined, failure?: SmiFailure) => void;

const sampleEveryMs = 2_000;

/** Samples each source at its own pace: one that hangs or fails leaves its fields out and holds up nobody. */
export class MachineTelemetry implements TelemetrySource {
  private readonly samples = new Map<string, Sample>();
  private readonly gpus: GpuInventory;
  private readonly sampler: GpuSampler;
  private running: Running[] = [];
  private overrides: InventoryOverrides = {};
  private document: SmiDocument | undefined;
  private readonly accounts = new AccountNames();
  private rowListener: RowListener = () => {};
  private lateListener: () => void = () => {};
  private changeListener: (inventory: Inventory) => void = () => {};
  private looking = false;

  constructor(
    private readonly options: MachineTelemetryOptions,
    private readonly log: Logger,
  ) {
    const { program = "nvidia-smi", smiRuns = new SmiRuns() } = options;
    this.gpus = new GpuInventory({ ...options, program }, log);
    this.sampler = new GpuSampler(
      {
        ...{ program, smiRuns, everyMs: this.everyMs, expected: () => this.gpus.now.listed },
        sampled: (rows, failure) => this.sampled(rows, failure),
        late: () => this.lateListener(),
      },
      log,
    );
  }

  /** Begins the sampling, too: by then it is known whether there are GPUs to be asked. */
  async inventory(overrides: InventoryOverrides): Promise<Inventory> {
    this.overrides = overrides;
    const offered = await this.gpus.first();
    for (const { timer } of this.running) clearInterval(timer);
    this.running = sources(this.everyMs).map((source) => this.start(source));
    if (offered.devices.length > 0) this.sampler.start();
    return inventoryOf(offered, overrides);
  }

  changed(listener: (inventory: Inventory) => void): void {
    this.changeListener = listener;
  }

  /** `listener` hears every sample of the GPUs, or why there is none. */
  onRows(listener: RowListener): void {
    this.rowListener = listener;
  }

  /** `listener` hears when a sample should have come and has not. */
  onLate(listener: () => void): void {
    this.lateListener = listener;
  }

  /** A whole reading, or why there is none: drivers come and go while the agent lives. */
  read(document: SmiDocument | undefined, failure?: SmiFailure): void {
    if (document) this.take(document);
    else if (failure && this.gpus.failed(failure)) this.tellChange();
    if (!document || this.looking) return;
    this.looking = true;
    this.gpus
      .seen(document)
      .then((changed) => {
        if (this.gpus.now.devices.length > 0) this.sampler.start();
        if (changed) this.tellChange();
      })
      .catch((error: unknown) => this.log.warn({ err: error }, "which GPUs there are could not be seen"))
      .finally(() => {
        this.looking = false;
      });
  }

  private take(document: SmiDocument): void {
    this.document = document;
    const { devices } = this.gpus.now;
    if (devices.length === 0) return;
    const { table = processTable } = this.options;
    const processes = gpuProcesses(document, devices, { table, accounts: this.accounts });
    this.samples.set("processes", {
      gpuProcesses: create(GpuProcessListSchema, { time: timestampFromMs(Date.now()), processes }),
    });
  }

  keepApart(apart: boolean): void {
    this.sampler.keepApart(apart);
  }

  latest(): Telemetry | undefined {
    if (this.samples.size === 0) return undefined;
    return create(TelemetrySchema, Object.assign({}, ...this.samples.values()) as Sample);
  }

  close(): void {
    for (const { timer } of this.running) clearInterval(timer);
    this.running = [];
    this.sampler.close();
  }

  private get everyMs(): number {
    return this.options.everyMs ?? sampleEveryMs;
  }

  private tellChange(): void {
    const inventory = inventoryOf(this.gpus.now, this.overrides);
    this.log.info(
      { gpus: inventory.gpus.length, trouble: inventory.gpuTrouble },
      "what this machine offers has changed",
    );
    this.changeListener(inventory);
  }

  private sampled(rows: readonly SmiRow[] | undefined, failure: SmiFailure | undefined): void {
    // An old value would look like a measured one.
    if (rows) this.samples.set("gpus", { gpus: gpuTelemetry(rows, this.gpus.now.devices, this.document) });
    else this.samples.delete("gpus");
    this.rowListener(rows, failure);
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
