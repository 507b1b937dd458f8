import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { create } from "@bufbuild/protobuf";
import { pino } from "pino";
import { onTestFinished, vi } from "vitest";
import {
  RemoteExitSchema,
  RemoteOutputSchema,
  RemoteStartSchema,
  RemoteStopSchema,
} from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { jobId, leaseId } from "../../shared/ids.js";
import type { RemoteLease, SessionMessage, ShimExit, ShimProcess, Shims } from "../ports.js";
import { SessionRemoteStarts } from "./remote-starts.js";

/** For tests: several "nodes" on this machine, real shims and sockets, and between them a stand-in for the coordinator's relay. */
const dist = resolve(import.meta.dirname, "../../dist");
export const rsh = join(dist, "stoker-rsh");
export const lease = leaseId(jobId("5b0c6f9e-9c43-4c8a-8b2c-3c7de8a0c222"), 1);

function readExit(dir: string): ShimExit {
  if (!existsSync(join(dir, "exit"))) return { exitCode: 137, signal: 9, lost: "killed" };
  const { code, signal } = JSON.parse(readFileSync(join(dir, "exit"), "utf8")) as { code?: number; signal?: number };
  return { exitCode: code ?? 128 + (signal ?? 0), signal: signal ?? 0 };
}

/** Of a whole test: agents come and go, these stay. */
class RealShims implements Shims {
  readonly processes = new Map<string, ShimProcess>();

  async start({ dir, argv, environment, cwd }: Parameters<Shims["start"]>[0]): Promise<ShimProcess> {
    mkdirSync(dir);
    const child = spawn(join(dist, "stoker-shim"), ["run", "--dir", dir, "--", ...argv], {
      ...{ cwd, env: environment, detached: true, stdio: "ignore" },
    });
    const exited = new Promise<ShimExit>((ended) => child.once("exit", () => ended(readExit(dir))));
    const process = { dir, pid: child.pid ?? 0, exited };
    this.processes.set(dir, process);
    return process;
  }

  async adopt(dir: string): Promise<ShimProcess | undefined> {
    return this.processes.get(dir);
  }

  signal({ pid }: ShimProcess, signal: NodeJS.Signals): void {
    process.kill(pid, signal);
  }
}

export class Node {
  readonly shims = new RealShims();
  readonly spool: string;
  readonly socket: string;
  remote: SessionRemoteStarts;
  online = true;
  /** What came while it was away. */
  readonly missed: Array<Parameters<SessionRemoteStarts["received"]>[0]> = [];
  ready = true;

  constructor(
    readonly name: string,
    root: string,
    private readonly relay: (from: Node, message: SessionMessage) => void,
  ) {
    this.spool = join(root, name);
    mkdirSync(this.spool);
    this.socket = join(root, `${name}.sock`);
    this.remote = this.agent();
  }

  /** What every process of the lease on this node has. */
  get environment(): Record<string, string> {
    return {
      ...{
        PATH: process.env.PATH ?? "",
        HOME: "/root",
        STOKER_LEASE: lease,
        STOKER_SOCKET: this.socket,
        STOKER_RSH: rsh,
      },
      ...{ NODE_WORD: this.name, OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" },
    };
  }

  async restart(): Promise<void> {
    await this.remote.close();
    this.remote = this.agent();
    await this.remote.listen(this.socket);
    await this.remote.adopt(lease);
    this.remote.connected();
  }

  /** A process of the job on this node, such as a launcher. */
  run(command: string, cwd = this.spool) {
    const child = spawn("bash", ["-c", command], {
      env: this.environment,
      cwd,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const seen = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => {
      seen.stdout += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      seen.stderr += chunk.toString();
    });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    return { child, seen, ended };
  }

  remoteDirs = () => [...this.shims.processes.keys()];

  private agent(): SessionRemoteStarts {
    const held = (): RemoteLease => ({
      ...{ spool: this.spool, environment: this.environment, cwd: this.spool },
      ...{ within: (argv) => argv, contained: false },
    });
    return new SessionRemoteStarts(
      {
        send: (message) => {
          if (this.online) this.relay(this, message);
          return this.online;
        },
        lease: (wanted) => (wanted === lease && this.ready ? held() : undefined),
        shims: this.shims,
      },
      pino({ level: "silent" }),
    );
  }
}

/** Nodes that reach one another as by the coordinator, who forgets what it can't deliver. */
export async function gang(...names: string[]): Promise<Node[]> {
  const root = mkdtempSync(join(tmpdir(), "gang-"));
  const routes = new Map<string, { launcher: Node; target: Node }>();
  const nodes: Node[] = [];
  const deliver = (to: Node, message: Parameters<SessionRemoteStarts["received"]>[0]) => {
    // As over a wire: never within the call that sent it.
    setImmediate(() => {
      if (to.online) to.remote.received(message);
      else to.missed.push(message);
    });
  };
  const relay = (from: Node, message: SessionMessage) => {
    if (message.case === "remoteStart") {
      const { target: word, ...rest } = message.value;
      const target = nodes.find(({ name }) => name === word);
      const { requestId = "", leaseId: id = "" } = rest;
      if (!target) {
        const error = `${word} is not a node of this job`;
        deliver(from, {
          case: "remoteExit",
          value: create(RemoteExitSchema, { requestId, leaseId: id, exitCode: 255, error }),
        });
        return;
      }
      routes.set(requestId, { launcher: from, target });
      deliver(target, {
        case: "remoteStart",
        value: create(RemoteStartSchema, { ...rest, $typeName: undefined, fromNode: from.name }),
      });
    } else if (message.case === "remoteOutput") {
      const route = routes.get(message.value.requestId ?? "");
      if (route)
        deliver(route.launcher, {
          case: "remoteOutput",
          value: create(RemoteOutputSchema, { ...message.value, $typeName: undefined }),
        });
    } else if (message.case === "remoteExit") {
      const { requestId = "", leaseId: id = "" } = message.value;
      const route = routes.get(requestId);
      if (route?.target === from) {
        deliver(route.launcher, {
          case: "remoteExit",
          value: create(RemoteExitSchema, { ...message.value, $typeName: undefined }),
        });
      } else if (route) {
        deliver(route.target, { case: "remoteStop", value: create(RemoteStopSchema, { requestId, leaseId: id }) });
      }
    }
  };
  for (const name of names) nodes.push(new Node(name, root, relay));
  for (const node of nodes) await node.remote.listen(node.socket);
  onTestFinished(async () => {
    for (const node of nodes) {
      for (const process of node.shims.processes.values()) {
        if (!existsSync(join(process.dir, "exit"))) node.shims.signal(process, "SIGQUIT");
      }
      await vi.waitFor(() => {
        if (node.remoteDirs().some((dir) => !existsSync(join(dir, "exit")))) throw new Error("still running");
      }, 10_000);
      node.remote.leaseGone(lease);
      await node.remote.close();
    }
    rmSync(root, { recursive: true, force: true });
  });
  return nodes;
}
