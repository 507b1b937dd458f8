import type { Access, Call, Caller } from "../../shared/caller.js";
import { Fault } from "../../shared/fault.js";
import type { AuditNote } from "../core/access/audit.js";
import { oneLine } from "../core/access/request-field.js";
import { ruleOfPath } from "../core/access/rule-of.js";

/** Tells whom it turns away at the door, before anything of the call is read. */
export class AuditedAccess implements Access {
  constructor(
    private readonly inner: Access,
    private readonly credential: (caller: Caller) => string,
    private readonly tell: (note: AuditNote) => void,
  ) {}

  identify(call: Call): Caller {
    try {
      return this.inner.identify(call);
    } catch (error) {
      this.refused(call, undefined, error);
      throw error;
    }
  }

  permit(caller: Caller, call: Call): void {
    try {
      this.inner.permit(caller, call);
    } catch (error) {
      this.refused(call, caller, error);
      throw error;
    }
  }

  private refused({ path, connection }: Call, caller: Caller | undefined, error: unknown): void {
    if (!(error instanceof Fault)) return;
    this.tell({
      user: caller?.kind === "user" ? caller.name : "",
      credential: caller ? this.credential(caller) : "",
      verb: ruleOfPath(path)?.verb ?? oneLine(path, 200),
      target: caller?.kind === "node" ? `nodes/${caller.node}` : "",
      // Whose it was, where that is known, and what was wrong with it: never what was shown.
      summary: oneLine(error.message),
      peer: connection.peer,
      outcome: error.code,
    });
  }
}
