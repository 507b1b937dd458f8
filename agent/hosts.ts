import type { Logger } from "pino";
import type { Inventory } from "../shared/gen/stoker/v1/node_pb.js";
import { parseLeaseId } from "../shared/ids.js";
import { environmentOf, jobMountRootOf, jobTempOf, type NodePlaces, withLogLimit } from "./core/environment.js";
import { needsContainer } from "./core/lease-state.js";
import type { Engine } from "./engine.js";
import type { GpuHealthSource, TestsHost } from "./health-ports.js";
import { type DataPaths, Spool } from "./paths.js";
import type { Containers, ContainersHost, MountsHost, RemoteHost, SessionMessage, Shims } from "./ports.js";
import type { AllSurroundings } from "./surroundings.js";
import type { TestLeases } from "./test-leases.js";

/** What parts with ports of their own may ask and tell of the leases that this node holds. */
export interface LeaseHolder {
  engine(): Engine;
  paths: DataPaths;
  places: NodePlaces;
  surroundings: AllSurroundings;
}

export function mountsHost({ engine, paths, places }: LeaseHolder): MountsHost {
  const held = () => [...engine().state.leases.values()].filter(({ progress }) => progress.phase !== "done");
  return {
    inUse: () => held().length > 0,
    jobMounts: paths.jobMounts,
    heldMounts: () => held().map(({ grant }) => jobMountRootOf(grant, places)),
  };
}

export const containersHost = ({ engine }: LeaseHolder): ContainersHost => ({
  needed: () => [...engine().state.leases.values()].filter(needsContainer).map(({ id }) => id),
  gone: (lease) => engine().lease(lease, { type: "container-gone" }),
});

export function remoteHost(
  { engine, paths, places, surroundings }: LeaseHolder,
  containers: Pick<Containers, "inside">,
  shims: Shims,
  send: (message: SessionMessage) => boolean,
  tests: Pick<TestLeases, "of">,
): RemoteHost {
  return {
    send,
    lease: (lease) => {
      const run = engine().state.leases.get(lease);
      if (!run) return tests.of(lease);
      if (run.frozen || (run.progress.phase !== "ready" && run.progress.phase !== "running")) return undefined;
      // Not for long: see `watch`.
      if (run.grant.container && !containers.inside(lease)) return undefined;
      const { places: where, within, contained, confine } = surroundings.of(run);
      return {
        spool: new Spool(paths, lease).dir,
        environment: withLogLimit(environmentOf(run.grant, where), run.grant),
        cwd: jobTempOf(run.grant, places),
        within,
        // An account sees a /tmp of its lease alone.
        contained: contained || confine !== undefined,
        ...{ confine, pass: where.pass },
      };
    },
    shims: {
      start: (run) => {
        const id = parseLeaseId(run.environment.STOKER_LEASE ?? "");
        if (id && engine().state.leases.has(id.lease)) engine().lease(id.lease, { type: "remote-used" });
        return shims.start(run);
      },
      adopt: (dir) => shims.adopt(dir),
      signal: (process, signal) => shims.signal(process, signal),
    },
  };
}

/** Not waited for, like the mounts of earlier attempts. `held`: when the agent started; what it was granted since is held, too. */
export function sweepContainers(
  containers: Containers,
  { engine }: LeaseHolder,
  held: ReadonlySet<string>,
  log: Logger,
): void {
  const isHeld = (lease: string) => held.has(lease) || [...engine().state.leases.keys()].some((id) => id === lease);
  containers
    .sweep(isHeld)
    .catch((error: unknown) => log.error({ err: error }, "containers of earlier attempts could not be looked for"));
}

/** What tests of this machine need of the agent. */
export const testsHost = (
  { name, host, inventory }: { name: string; host: string; inventory: Inventory },
  gpus: GpuHealthSource,
  send: TestsHost["send"],
  leases: Pick<TestLeases, "open">,
): TestsHost => ({
  ...{ nodeName: name, address: host, send, lease: (wish) => leases.open(wish) },
  index: (uuid) => inventory.gpus.find((gpu) => gpu.uuid === uuid)?.index ?? 0,
  ...{ tested: (uuid, failure) => gpus.tested(uuid, failure), fault: (uuid) => gpus.fault(uuid) },
});
