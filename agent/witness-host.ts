import type { LeaseHolder } from "./hosts.js";
import type { WitnessHost } from "./witness/witnesses.js";

/** What other nodes ask and answer about the coordinator becomes events. */
export const witnessHost = ({ name, host }: { name: string; host: string }, { engine }: LeaseHolder): WitnessHost => ({
  ...{ nodeName: name, address: host },
  asked: (token) => engine().post({ type: "witness-asked", token }),
  answered: (from, question, verdict) => engine().post({ type: "witness-answered", from, question, verdict }),
});
