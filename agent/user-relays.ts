import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { Fault } from "../shared/fault.js";
import type { LeaseId } from "../shared/ids.js";
import { environmentOf, jobTempOf } from "./core/environment.js";
import type { LeaseRun } from "./core/lease-state.js";
import type { AccountsSetting } from "./core/policy/accounts.js";
import { tellFindings } from "./doctor/tell-findings.js";
import { JobFiles } from "./files/job-files.js";
import { Visits } from "./files/visits.js";
import type { LeaseHolder } from "./hosts.js";
import { mountAt } from "./mounts/mountinfo.js";
import type { Logs, Membership, Mounts } from "./ports.js";
import { exec } from "./pty/exec.js";
import type { ExecPlace, RelayWork } from "./relay-ports.js";
import { forward } from "./relays/forward.js";
import { Relays } from "./relays/relays.js";
import type { Witnesses } from "./witness/witnesses.js";

export interface UserRelaysOptions {
  coordinator: string;
  name: string;
  shimPath: string;
  /** Asked at every connection: certificates are renewed, and a corrected file needs no restart. */
  membership: Membership;
  /** Where this node answers questions about the coordinator; undefined: nowhere. */
  witnessPort?: number | undefined;
  /** "off", or what may run containers. */
  containers?: string;
  /** As whom jobs run, as it is set. */
  accounts?: AccountsSetting;
  /** False: the owner lets nobody run commands here, or reach what this machine reaches. */
  exec?: boolean;
}

/** What users reach of this machine through the coordinator. */
export class UserRelays {
  private readonly visits: Visits;
  private readonly relays: Relays;

  constructor(
    private readonly options: UserRelaysOptions,
    private readonly holder: LeaseHolder,
    mounts: Mounts,
    private readonly fence: (lease: LeaseId) => string,
    private readonly ways: { logs: Pick<Logs, "problem">; witnesses: Pick<Witnesses, "tryAll"> },
    log: Logger,
  ) {
    const { coordinator, name: nodeName, shimPath } = options;
    const { paths, places } = holder;
    const folder = join(paths.data, "file-mounts");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.visits = new Visits(folder, mounts, log);
    // What an earlier agent has mounted for readers. Not waited for: its server may hang.
    this.visits
      .sweep()
      .catch((error: unknown) => log.error({ err: error }, "volumes mounted for reading could not be looked for"));
    const reader = (user: string) => holder.surroundings.reader(user);
    const isMounted = (path: string) => mountAt(path) !== undefined;
    const files = new JobFiles({ shimPath, nodeName, places, visits: this.visits, isMounted, reader });
    const work: RelayWork = {
      exec: async (plan, channel) => {
        this.permit();
        await exec(plan, channel, { shimPath, place: (lease) => this.place(lease) });
      },
      forward: async (plan, channel) => {
        this.permit();
        await forward(plan, channel);
      },
      listFiles: (plan, channel) => files.list(plan, channel),
      readFile: (plan, channel) => files.read(plan, channel),
      doctor: async (plan, channel) => {
        const { logs, witnesses } = this.ways;
        const found = { logs: { problem: logs.problem() }, witnesses: await witnesses.tryAll() };
        await tellFindings(plan, channel, { ...options, dataDir: paths.data, ...found });
      },
    };
    this.relays = new Relays({ coordinator, nodeName, credential: () => options.membership.credential(), work }, log);
  }

  take(order: Parameters<Relays["take"]>[0]): void {
    this.relays.take(order);
  }

  async close(): Promise<void> {
    await this.relays.close();
    await this.visits.close();
  }

  private permit(): void {
    if (this.options.exec !== false) return;
    throw new Fault(
      "permission-denied",
      `the owner of ${this.options.name} lets nobody run commands there: its agent was started with --no-exec`,
    );
  }

  private place(lease: LeaseId | undefined): ExecPlace {
    const { places, engine } = this.holder;
    const nodeName = this.options.name;
    if (lease === undefined) {
      const home = places.base.HOME ?? "/";
      return {
        environment: { ...places.base, AZ_BATCHAI_MOUNT_ROOT: places.mountRoot, STOKER_NODE: nodeName },
        cwd: home,
        fence: "",
        within: (argv) => argv,
      };
    }
    const run = engine().state.leases.get(lease);
    if (!run || run.frozen || (run.progress.phase !== "ready" && run.progress.phase !== "running")) {
      throw new Fault(
        "failed-precondition",
        `the job's processes do not run on ${nodeName} now; \`stoker node exec\` reaches the node itself`,
      );
    }
    // A process that is not a rank is about to run under it.
    engine().lease(lease, { type: "remote-used" });
    const { places: where, within, confine } = this.surroundingsOf(run);
    const environment = environmentOf(run.grant, where);
    return { environment, cwd: jobTempOf(run.grant, places), fence: this.fence(lease), within, confine };
  }

  private surroundingsOf(run: LeaseRun) {
    try {
      return this.holder.surroundings.of(run);
    } catch (cause) {
      throw new Fault("failed-precondition", "the job's container is gone", { cause });
    }
  }
}
