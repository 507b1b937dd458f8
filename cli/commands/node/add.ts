import { setTimeout as delay } from "node:timers/promises";
import type { Call } from "../../call.js";
import { exitCode, usage } from "../../failure.js";
import type { Session } from "../../session.js";
import { HostFailure, install, join, missingPackages, type Probe, probe } from "../../ssh/enrol.js";
import { type PackageFile, packagesAt } from "../../ssh/packages.js";
import { Ssh } from "../../ssh/ssh.js";
import type { Verb } from "../../verb.js";
import { clusterOf } from "./added-cluster.js";

/** So many hosts at once: each takes some megabytes of the same disk and network. */
const atOnce = 16;
/** An agent connects a moment after it has joined. */
const connectedWithinMs = 120_000;
const lookMs = 500;

export const add: Verb = {
  name: "add",
  description: "Make machines nodes over ssh: install the agent's package, join, and wait until they are there",
  details:
    "What a host has already is left as it is, so that the same line may be given again. ssh must get in without a password, as root or with sudo; a host that it sees for the first time is believed",
  example: "stoker node add --ssh root@gpu01 root@gpu02 -w lab -c all",
  argument: "<host...>",
  options: [
    { flags: "--ssh", description: "by ssh: the only way there is" },
    {
      flags: "--package <file>",
      description:
        "Debian package to install: stoker and stoker-agent, and what they need where hosts have no network; may be repeated (default: the newest in this folder or /usr/share/stoker/packages, else from the host's own repository)",
      repeatable: true,
    },
    { flags: "--identity-file <file>", description: "ssh's private key (default: as ssh's configuration says)" },
    { flags: "--check", description: "only say what would be done" },
    { flags: "--replace", description: "hosts may take the names of nodes that have joined before" },
    {
      flags: "-c, --cluster <name>",
      description: "make this cluster of them, of any machine class, if there is none of that name",
    },
    {
      flags: "-w, --workspace <name>",
      description: "the cluster's workspace, made if there is none (env: STOKER_WORKSPACE)",
    },
  ],
  async run(call) {
    if (!call.flag("ssh")) {
      throw usage("how? give --ssh; by hand, run on each machine the line of `stoker node token create`");
    }
    const odd = call.words.find((host) => !/^[\w.@:[\]%-]+$/.test(host) || host.startsWith("-"));
    if (odd !== undefined) throw usage(`"${odd}" is no host; give such as root@gpu01`);
    const work = new Adding(call, packagesAt(call.texts("package"), process.cwd()), await call.session());
    const waiting = [...new Set(call.words)];
    const worker = async () => {
      for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) await work.host(host);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    return work.finish();
  },
};

interface Outcome {
  host: string;
  node: string;
  /** Undefined: all is well. */
  problem?: string;
}

class Adding {
  private readonly outcomes: Outcome[] = [];

  constructor(
    private readonly call: Call,
    private readonly packages: readonly PackageFile[],
    private readonly session: Session,
  ) {}

  async host(host: string): Promise<void> {
    const identityFile = this.call.text("identityFile");
    const ssh = new Ssh(host, { environment: this.call.world.environment, identityFile });
    try {
      const found = await probe(ssh, this.packages.find((each) => each.package === "stoker-agent")?.version);
      const missing = missingPackages(found, this.packages);
      if (this.call.flag("check")) await this.tellPlan(host, found, missing);
      else this.outcomes.push({ host, node: await this.enrol(ssh, found, missing) });
    } catch (error) {
      if (!(error instanceof HostFailure)) throw error;
      this.outcomes.push({ host, node: "", problem: error.message });
      await this.say(host, `failed: ${error.message}`);
    }
  }

  async finish(): Promise<number | undefined> {
    const { call, session, outcomes } = this;
    const added = outcomes.filter(({ problem }) => problem === undefined).map(({ node }) => node);
    if (call.text("cluster") !== undefined && added.length > 0) await clusterOf(call, session, added.length);
    if (session.isJson) await session.json(outcomes);
    const failed = outcomes.length - added.length;
    if (failed > 0)
      await call.notice(`${failed} of ${outcomes.length} hosts failed; mend them and give the same line again`);
    return failed > 0 ? exitCode.failed : undefined;
  }

  private async enrol(ssh: Ssh, found: Probe, missing: ReturnType<typeof missingPackages>): Promise<string> {
    const { host } = ssh;
    if (missing !== "none") {
      const what = Array.isArray(missing)
        ? missing.map(({ name }) => name).join(", ")
        : "stoker-agent from its repository";
      await this.say(host, `installs ${what}`);
      await install(ssh, found, missing);
    }
    const known = found.joinedAs === "" ? undefined : await this.connected(found.joinedAs);
    if (known !== undefined) {
      await this.say(host, `is node ${known} already`);
      return known;
    }
    await this.say(host, "joins");
    const { address, token } = await this.session.joining.createJoinToken(
      { uses: 1, replaces: found.joinedAs !== "" || this.call.flag("replace") },
      this.session.limits,
    );
    const name = await join(ssh, found, address, token);
    const until = performance.now() + connectedWithinMs;
    while ((await this.connected(name)) === undefined) {
      if (performance.now() > until) {
        throw new HostFailure(
          `it has joined as ${name} and does not connect: journalctl -u stoker-agent, there, says why`,
        );
      }
      await delay(lookMs);
    }
    await this.say(host, `is node ${name}`);
    return name;
  }

  private async tellPlan(host: string, found: Probe, missing: ReturnType<typeof missingPackages>): Promise<void> {
    const known = found.joinedAs === "" ? undefined : await this.connected(found.joinedAs);
    const steps = [
      ...(missing === "none"
        ? []
        : [
            Array.isArray(missing)
              ? `install ${missing.map(({ name }) => name).join(", ")}`
              : "install stoker-agent from its repository",
          ]),
      ...(known === undefined ? [`join as ${found.name}`] : []),
    ];
    this.outcomes.push({ host, node: known ?? found.name });
    await this.say(host, steps.length > 0 ? `would ${steps.join(", and ")}` : `is node ${known} already`);
  }

  /** The node's name, when the coordinator hears it. */
  private async connected(name: string): Promise<string | undefined> {
    const { Fault } = await import("../../../shared/fault.js");
    const { NodeState } = await import("../../../shared/gen/stoker/v1/node_pb.js");
    try {
      const { node } = await this.session.nodes.getNode({ id: `nodes/${name}` }, this.session.limits);
      return node && node.state !== NodeState.LOST ? node.name : undefined;
    } catch (error) {
      if (error instanceof Fault && error.code === "not-found") return undefined;
      throw error;
    }
  }

  private say(host: string, what: string): Promise<void> {
    const line = `${host}: ${what}\n`;
    return this.session.isJson ? this.call.world.err(line) : this.call.world.out(line);
  }
}
