import type { RemoteExit, RemoteOutput, RemoteStartRequest } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { ToAgent } from "./messages.js";

/** A lease as remote starts see it: only while its ranks may run. */
export interface LiveGang {
  members: ReadonlyArray<{ node: string; host: string }>;
  /** This one alone may have something started; absent: each. */
  launcher?: string;
}

export interface RelayHost {
  /** Undefined unless the attempt is the job's present one and is not being stopped. */
  gang(leaseId: string): LiveGang | undefined;
  /** False when the node has no session now, or one that takes nothing more. */
  send(node: string, message: ToAgent): boolean;
  refused(node: string, reason: string): void;
}

interface Route {
  request: RemoteStartRequest;
  launcher: string;
  target: string;
}

/**
 * Remote starts between the nodes of one gang: a launcher's request goes to the target, output and exit come back. Nothing is kept but who
 * talks to whom: what is lost with a connection is asked for again by the launcher's agent, with the offsets it has reached.
 */
export class Relay {
  /** By lease, then by request id. */
  private readonly routes = new Map<string, Map<string, Route>>();

  constructor(private readonly host: RelayHost) {}

  start(launcher: string, request: RemoteStartRequest): void {
    const refuse = (error: string) => {
      this.host.refused(launcher, error);
      const { requestId, leaseId } = request;
      this.host.send(launcher, { case: "remoteExit", value: { requestId, leaseId, exitCode: 255, error } });
    };
    const gang = this.host.gang(request.leaseId);
    if (!gang?.members.some(({ node }) => node === launcher)) {
      refuse(`attempt ${request.leaseId} does not run on ${launcher}`);
      return;
    }
    if (gang.launcher !== undefined && gang.launcher !== launcher) {
      refuse(`${launcher} only takes part in the test ${request.leaseId} of ${gang.launcher}`);
      return;
    }
    const target = memberOf(gang, request.target);
    if (target === undefined) {
      const names = gang.members.map(({ node, host }) => (node === host ? node : `${node} (${host})`));
      refuse(`${request.target} is not a node of this job, which has ${names.join(", ")}`);
      return;
    }
    const known = this.routes.get(request.leaseId) ?? new Map<string, Route>();
    const former = known.get(request.requestId);
    if (former && (former.launcher !== launcher || former.target !== target)) {
      refuse(`request ${request.requestId} was made by ${former.launcher} for ${former.target}`);
      return;
    }
    const route = { request, launcher, target };
    this.routes.set(request.leaseId, known.set(request.requestId, route));
    this.forward(route);
  }

  /** From the target, to the launcher. */
  output(node: string, output: RemoteOutput): void {
    const route = this.route(output);
    if (!route) return;
    if (route.target !== node)
      this.host.refused(node, `output of request ${output.requestId}, which ${route.target} has`);
    else this.host.send(route.launcher, { case: "remoteOutput", value: output });
  }

  /** From the target: the process ended. From the launcher: its shim is gone, so the process must end. */
  exit(node: string, exit: RemoteExit): void {
    const route = this.route(exit);
    if (!route) return;
    const { requestId, leaseId } = exit;
    if (route.target === node) {
      this.host.send(route.launcher, { case: "remoteExit", value: exit });
    } else if (route.launcher === node) {
      this.host.send(route.target, { case: "remoteStop", value: { requestId, leaseId } });
      this.forget(leaseId, requestId);
    } else {
      this.host.refused(node, `exit of request ${requestId}, which ${route.target} has`);
    }
  }

  /** The node can be reached again: what was meant for it while it could not be is sent again. */
  connected(node: string): void {
    for (const routes of this.routes.values()) {
      for (const route of routes.values()) if (route.target === node) this.forward(route);
    }
  }

  /** No process of the job may be started any more: its routes go. */
  jobStopped(job: string): void {
    for (const lease of [...this.routes.keys()]) if (lease.startsWith(`${job}.`)) this.routes.delete(lease);
  }

  leaseOver(lease: string): void {
    this.routes.delete(lease);
  }

  private forward({ request, launcher, target }: Route): void {
    const { requestId, leaseId, commandLine, stdoutOffset, stderrOffset } = request;
    this.host.send(target, {
      case: "remoteStart",
      value: { requestId, leaseId, fromNode: launcher, commandLine, stdoutOffset, stderrOffset },
    });
  }

  private route(about: { leaseId: string; requestId: string }): Route | undefined {
    return this.routes.get(about.leaseId)?.get(about.requestId);
  }

  private forget(leaseId: string, requestId: string): void {
    const routes = this.routes.get(leaseId);
    routes?.delete(requestId);
    if (routes?.size === 0) this.routes.delete(leaseId);
  }
}

/** Launchers name a host as the gang does, by the node's name, or by that without its domain. */
function memberOf(gang: LiveGang, word: string): string | undefined {
  const wanted = word.toLowerCase();
  const same = (name: string) => name.toLowerCase() === wanted;
  const found =
    gang.members.find(({ node, host }) => same(host) || same(node)) ??
    gang.members.find(({ node }) => same(node.split(".")[0] ?? node));
  return found?.node;
}
