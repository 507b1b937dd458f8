import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../shared/clock.js";
import { Fault } from "../shared/fault.js";
import { type LeaseId, parseLeaseId } from "../shared/ids.js";
import type { Confinements } from "./accounts/confinements.js";
import { inContainers, type NodePlaces } from "./core/environment.js";
import { accountVariables } from "./core/policy/accounts.js";
import type { TestLease, TestLeaseWish } from "./health-ports.js";
import { type DataPaths, Spool } from "./paths.js";
import type { RemoteLease, RemoteStarts, Shims } from "./ports.js";
import type { LeaseSignals } from "./ranks/lease-signals.js";
import { launcherVariables } from "./tests/mpi/launchers.js";
import type { Fences } from "./watchdog/fences.js";

export interface TestLeasesHost {
  nodeName: string;
  paths: DataPaths;
  places: NodePlaces;
  confinements: Confinements;
  fences: Fences;
  shims: Shims;
  signals: LeaseSignals;
  remote(): RemoteStarts;
  clock: Clock;
  /** In the background, with everything in it. */
  remove(path: string): void;
}

/** More is no test's output. */
const outputMax = 1 << 20;
/** Those of nobody: a test is the coordinator's own. */
const nobody = "";

/**
 * A test's processes are those of a lease that no job has: named by the test, as an account, behind a fence that kills when its time is over, even if this
 * agent is gone by then. A later agent finds them as what nobody holds, and ends them.
 */
export class TestLeases {
  private readonly held = new Map<LeaseId, RemoteLease>();

  constructor(private readonly host: TestLeasesHost) {}

  /** For launchers on this node and on the test's others. */
  of(lease: LeaseId): RemoteLease | undefined {
    return this.held.get(lease);
  }

  async open(wish: TestLeaseWish): Promise<TestLease> {
    const id = parseLeaseId(wish.testId)?.lease;
    if (id === undefined) throw new Fault("invalid-argument", `${wish.testId.slice(0, 80)} is no test`);
    const { paths, fences, clock } = this.host;
    const spool = new Spool(paths, id).dir;
    mkdirSync(spool, { recursive: true, mode: 0o711 });
    try {
      fences.set(id, "kill", clock.monotonic() + wish.limitMs);
      const lease = await this.prepare(id, spool, wish);
      this.held.set(id, lease);
      let count = 0;
      return {
        run: (text, limitMs) => {
          count += 1;
          return this.run(lease, join(spool, `command-${count}`), text, limitMs, wish.signal);
        },
        close: () => this.close(id),
      };
    } catch (error) {
      await this.close(id);
      throw error;
    }
  }

  private async prepare(id: LeaseId, spool: string, { oneMachine }: TestLeaseWish): Promise<RemoteLease> {
    const { places, confinements, paths, nodeName } = this.host;
    const confinement = await confinements.prepare(id, nobody, []);
    // An account that is there for jobs alone has none.
    const home = confinement?.account.home === "/nonexistent" ? "/tmp" : confinement?.account.home;
    const own = confinement && accountVariables({ ...confinement.account, home: home ?? "/tmp" });
    const socket = confinement ? (paths.openSocket ?? inContainers.openSocket) : places.socket;
    return {
      ...{ spool, cwd: "/", within: (argv) => argv, contained: confinement !== undefined },
      environment: {
        ...{ ...places.base, ...own, ...launcherVariables(places.rsh, oneMachine) },
        ...{ STOKER_LEASE: id, STOKER_SOCKET: socket, STOKER_RSH: places.rsh, STOKER_TEST_NODE: nodeName },
        ...(confinement ? { STOKER_PASS: confinement.pass } : {}),
        // It is the network that is tested.
        CUDA_VISIBLE_DEVICES: "",
      },
      confine: confinement && { how: "--confine", file: confinement.file },
      pass: confinement?.pass,
    };
  }

  private async run(
    { environment, cwd, confine }: RemoteLease,
    dir: string,
    text: string,
    limitMs: number,
    signal: AbortSignal | undefined,
  ): ReturnType<TestLease["run"]> {
    const { shims } = this.host;
    const process = await shims.start({ dir, argv: ["/bin/bash", "-c", text], environment, cwd, confine });
    let isEnded = false;
    const end = () => {
      isEnded = true;
      shims.signal(process, "SIGQUIT");
    };
    const limit = setTimeout(end, limitMs);
    signal?.addEventListener("abort", end, { once: true });
    if (signal?.aborted) end();
    const { exitCode } = await process.exited;
    clearTimeout(limit);
    signal?.removeEventListener("abort", end);
    return { code: isEnded ? undefined : exitCode, stdout: textOf(dir, "stdout"), stderr: textOf(dir, "stderr") };
  }

  private async close(id: LeaseId): Promise<void> {
    const { signals, fences, confinements, paths, remove, remote } = this.host;
    this.held.delete(id);
    remote().leaseStopping(id);
    await signals.kill(id);
    signals.forget(id);
    remote().leaseGone(id);
    fences.remove(id);
    confinements.forget(id);
    remove(confinements.tempOf(id));
    remove(new Spool(paths, id).dir);
  }
}

function textOf(dir: string, name: "stdout" | "stderr"): string {
  const path = join(dir, name);
  return existsSync(path) ? readFileSync(path, "utf8").slice(0, outputMax) : "";
}
