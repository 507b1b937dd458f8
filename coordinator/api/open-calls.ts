import { Fault } from "../../shared/fault.js";
import type { CallContext } from "../../shared/grpc.js";
import { authorize } from "../core/access/authorize.js";
import { refuseFallen } from "../core/access/caller.js";
import type { Need } from "../core/access/rule.js";
import type { State } from "../core/memory.js";

/** One call, until it is disposed of. */
export class OpenCall implements Disposable {
  private readonly aborting = new AbortController();
  private fault: Fault | undefined;
  /** Called when the caller may go on no more. */
  onCut: (fault: Fault) => void = () => undefined;

  constructor(
    readonly caller: CallContext["caller"],
    readonly need: Need,
    readonly request: unknown,
    private readonly ended: (call: OpenCall) => void,
  ) {}

  /** Aborted when the caller may go on no more. */
  get signal(): AbortSignal {
    return this.aborting.signal;
  }

  /** Throws why the caller may go on no more. */
  refuseCut(): void {
    if (this.fault) throw this.fault;
  }

  cut(fault: Fault): void {
    this.fault = fault;
    this.onCut(fault);
    this.aborting.abort();
    this.ended(this);
  }

  [Symbol.dispose](): void {
    this.ended(this);
  }
}

/** Calls that go on for long. They end when their caller's token is revoked, or the role that they need. */
export class OpenCalls {
  private readonly calls = new Set<OpenCall>();

  constructor(
    private readonly state: () => State,
    private readonly now: () => number,
  ) {}

  add(caller: CallContext["caller"], need: Need, request: unknown): OpenCall {
    const call = new OpenCall(caller, need, request, (ended) => this.calls.delete(ended));
    this.calls.add(call);
    return call;
  }

  /** Who may do what has changed, or time has gone by. */
  lookAgain(): void {
    for (const open of [...this.calls]) {
      const { caller, need, request } = open;
      if (caller.kind !== "user") continue;
      try {
        refuseFallen(this.state(), caller, this.now());
        authorize(this.state(), caller, need, request);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        open.cut(error);
      }
    }
  }
}
