import type { Verdict, WitnessEffect, WitnessSet } from "../../../agent/core/witness.js";
import { narrowSet } from "../../../agent/witness/set-file.js";
import type { SetWitnesses } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import type { AgentHost } from "./agent-host.js";
import type { Machine } from "./machine.js";

export const witnessPort = 7415;

/** A question or an answer as it goes by UDP; nobody can make one up, but the network may lose, delay and repeat it. */
type Datagram =
  | { readonly kind: "question"; readonly nonce: string; readonly asker: string; readonly asked: string }
  | { readonly kind: "answer"; readonly nonce: string; readonly verdict: Verdict };

/** An agent's witness port: as agent/witness/witnesses.ts, without its cryptography. */
export class WitnessPeer {
  private readonly open = new Map<string, { question: number; member: string }>();
  private nonces = 0;

  constructor(private readonly agent: AgentHost) {}

  get on(): boolean {
    return this.machine.hardware.witness;
  }

  get set(): WitnessSet | undefined {
    return this.on ? this.machine.witnessSets.at(-1) : undefined;
  }

  begin(): void {
    if (this.on) this.agent.engine.post({ type: "witness-begins", self: this.machine.name, set: this.set });
  }

  received(message: SetWitnesses): void {
    const keyed = narrowSet(message);
    if (typeof keyed === "string") throw new Error(`the coordinator sent witnesses that nobody can use: ${keyed}`);
    const { machine } = this;
    if (machine.ledger.full || (this.set && keyed.set.version < this.set.version)) return;
    machine.witnessSets.push(keyed.set);
    this.agent.engine.post({ type: "witness-set", set: keyed.set });
  }

  perform(effect: WitnessEffect): void {
    if (effect.type === "answer-witness") {
      const [asker = "", nonce = ""] = effect.token.split(" ");
      this.send(asker, { kind: "answer", nonce, verdict: effect.verdict });
      return;
    }
    this.machine.world.seen(this.machine.name, "asks whether others hear the coordinator");
    for (const { name, address } of effect.members) {
      this.nonces += 1;
      const nonce = `${this.machine.name}-${this.machine.world.timeline.now}-${this.nonces}`;
      this.open.set(nonce, { question: effect.question, member: name });
      this.send(address, { kind: "question", nonce, asker: this.machine.name, asked: name });
    }
  }

  private get machine(): Machine {
    return this.agent.machine;
  }

  /** By address, which is the machine's name here; read when the process comes to it. */
  private send(address: string, datagram: Datagram): void {
    const { world, name } = this.machine;
    const to = world.machines.find((machine) => machine.name === address);
    if (!to) return;
    world.network.datagram(name, address, () => {
      const { agent } = to;
      agent?.process.take(() => agent.witnesses.take(datagram));
    });
  }

  private take(datagram: Datagram): void {
    if (!this.on) return;
    if (datagram.kind === "question") {
      const { asker, asked, nonce } = datagram;
      if (asked === this.machine.name && this.set) {
        this.agent.engine.post({ type: "witness-asked", token: `${asker} ${nonce}` });
      }
      return;
    }
    const waited = this.open.get(datagram.nonce);
    this.open.delete(datagram.nonce);
    if (!waited) return;
    const { question, member: from } = waited;
    this.machine.world.seen(this.machine.name, () => `hears from ${from}: ${datagram.verdict}`);
    this.agent.engine.post({ type: "witness-answered", from, question, verdict: datagram.verdict });
  }
}
