import type { Gpu } from "../shared/gen/stoker/v1/node_pb.js";
import type { LeaseId } from "../shared/ids.js";
import { causeOf } from "./cause.js";
import type { Diagnosis } from "./core/diagnosis/diagnosis.js";
import type { LeaseEvent, RankExit } from "./core/events.js";
import type { LeaseRun } from "./core/lease-state.js";
import type { Containers, KernelSource, RemoteStarts } from "./ports.js";
import { deathsOf } from "./remote-deaths.js";

/** Why processes of leases died, as far as this machine can tell. */
export class Causes {
  constructor(
    private readonly gpus: readonly Gpu[],
    private readonly parts: { kernel: KernelSource; containers: Pick<Containers, "inside"> },
    private readonly remote: () => Pick<RemoteStarts, "ranks">,
    /** Processes of the lease that were killed for going over its memory. */
    private readonly killed: (lease: LeaseId) => number | undefined,
  ) {}

  /** Of one that the agent itself had started; its folder is `dir`. */
  ofRank({ id, grant }: LeaseRun, dir: string, exit: RankExit): Diagnosis | undefined {
    const { gpus } = this;
    const { kernel, containers } = this.parts;
    const containerGone = grant.container !== undefined && containers.inside(id) === undefined;
    return causeOf(exit, { grant, dir, gpus, kernel, killed: this.killed(id), containerGone });
  }

  /** Of those that launchers of other nodes had had started here. */
  tellRemote(run: LeaseRun, tell: (lease: LeaseId, event: LeaseEvent) => void): void {
    const deaths = deathsOf(run, { remote: this.remote(), kernel: this.parts.kernel, gpus: this.gpus });
    if (deaths.length > 0) tell(run.id, { type: "died-remotely", deaths });
  }
}
