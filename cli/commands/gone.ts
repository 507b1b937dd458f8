import { setTimeout as delay } from "node:timers/promises";
import { Fault } from "../../shared/fault.js";
import { isTransient } from "../failure.js";

const intervalMs = 250;

/** Waits until `get` says not-found: a delete is recorded at once and carried out in time. */
export async function untilGone(get: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await get();
    } catch (error) {
      if (error instanceof Fault && error.code === "not-found") return;
      if (!isTransient(error)) throw error;
    }
    await delay(intervalMs);
  }
}
