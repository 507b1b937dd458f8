import { createHmac } from "node:crypto";
import type { NodeEffect } from "../core/effects.js";
import type { ToAgent } from "./messages.js";

/**
 * Keys by which nodes believe each other. A node's answer key is derived from a secret that never leaves the coordinator, and the key of a
 * pair from the answer key of the one that is asked: that one can tell everybody's questions, and nobody can answer for another.
 */
export class WitnessKeys {
  constructor(private readonly secret: string) {}

  message({ node, version, leaseTtlMs, members }: Extract<NodeEffect, { kind: "set-witnesses" }>): ToAgent {
    return {
      case: "setWitnesses",
      value: {
        version: BigInt(version),
        leaseTtlMs: BigInt(leaseTtlMs),
        answerKey: this.answerKey(node),
        members: members.map(({ name, address, port }) => ({
          nodeName: name,
          address,
          port,
          key: createHmac("sha256", this.answerKey(name)).update(node).digest(),
        })),
      },
    };
  }

  private answerKey(node: string): Buffer {
    return createHmac("sha256", this.secret).update(`witness ${node}`).digest();
  }
}
