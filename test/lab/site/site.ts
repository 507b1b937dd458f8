import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "../machines/machine.js";
import { filer, labFolder } from "../machines/settings.js";
import { until } from "../machines/until.js";
import type { Stage } from "../stage.js";
import { checkout, layOutBundle } from "./bundle.js";
import { Coordinator, coordinatorAddress } from "./coordinator.js";
import { enableAgent, installPrograms } from "./installation.js";
import { Job, type JobBody } from "./job.js";

const workspace = "lab";

interface Node {
  name: string;
  state: string;
}

type AgentSettings = (machine: Machine) => Record<string, string>;

/** A whole Stoker: coordinator, an agent on every machine of the lab, an NFS server, one cluster of all machines. */
export class Site {
  readonly coordinator: Coordinator;

  private constructor(
    readonly stage: Stage,
    flags: readonly string[],
  ) {
    this.coordinator = new Coordinator(stage.lab, flags);
  }

  /** `settings`: more lines of a machine's agent.yaml. */
  static async raise(stage: Stage, settings: AgentSettings = () => ({})): Promise<Site> {
    const site = await Site.ofNodes(stage, settings);
    await stage.step("a cluster of them, and the file server", () => site.#declare());
    return site;
  }

  /** Without a cluster. `flags`: more of the coordinator's. */
  static async ofNodes(stage: Stage, settings: AgentSettings, flags: readonly string[] = []): Promise<Site> {
    const site = new Site(stage, flags);
    const { lab, step } = stage;
    const bundle = await step("the programs are built", layOutBundle);
    await step("coordinator on control, NFS server on filer", async () => {
      await lab.filer.up();
      for (const folder of ["test/lab/jobs", "test/fixtures/digits"]) {
        cpSync(join(checkout, folder), join(lab.filer.shareFolder, "scripts"), { recursive: true });
      }
      await site.coordinator.start();
    });
    const uses = ["--uses", String(lab.machines.length)];
    const { token } = await site.coordinator.ask<{ token: string }>(["node", "token", "create", ...uses]);
    await step(`the agent's unit on ${lab.machines.length} machines`, async () => {
      const install = async (machine: Machine) => {
        await installPrograms(machine, bundle);
        await enableAgent(machine, coordinatorAddress, token, settings(machine));
      };
      await Promise.all(lab.machines.map(install));
      await site.nodesAre(["free"], lab.machines.length);
    });
    return site;
  }

  /** Waits until so many nodes are in one of these states. */
  async nodesAre(states: string[], count: number, limitMs = 30_000): Promise<void> {
    const nodes = async () => {
      const listed = await this.coordinator.ask<Node[]>(["node", "list"]);
      return listed.filter(({ state }) => states.includes(state)).length === count;
    };
    await until(`${count} nodes are ${states.join(" or ")}`, nodes, limitMs * this.stage.slowness, 250);
  }

  /** A job that has the share at `$AZ_BATCHAI_JOB_MOUNT_ROOT/share`. */
  async submit(name: string, body: JobBody, cluster = "all"): Promise<Job> {
    const path = this.write(`${name}.job.json`, { properties: body });
    await this.coordinator.stoker([
      "job",
      "create",
      "-n",
      name,
      "-w",
      workspace,
      "-e",
      "scenario",
      "-c",
      cluster,
      "-f",
      path,
    ]);
    return new Job(this, workspace, "scenario", name);
  }

  async #declare(): Promise<void> {
    const { coordinator } = this;
    const count = this.stage.lab.machines.length;
    await coordinator.stoker(["workspace", "create", "-n", workspace]);
    const server = this.write("server.json", { existing: { host: filer, export: "/share" } });
    await coordinator.stoker(["file-server", "create", "-w", workspace, "-n", "filer", "-f", server]);
    const cluster = this.write("cluster.json", {
      properties: { vmSize: "any", scaleSettings: { manual: { targetNodeCount: count } } },
    });
    await coordinator.stoker(["cluster", "create", "-w", workspace, "-n", "all", "-f", cluster]);
    await coordinator.stoker(["experiment", "create", "-w", workspace, "-n", "scenario"]);
    await this.nodesAre(["idle"], count);
  }

  /** A body for the command line; its path. */
  write(name: string, content: unknown): string {
    const folder = join(labFolder, "bodies");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), JSON.stringify(content, undefined, 2));
    return join(folder, name);
  }
}
