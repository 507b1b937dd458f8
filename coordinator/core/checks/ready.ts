import type { Check } from "./check.js";

/** Two missed heartbeats: too little to call a node lost, enough not to begin anything on it. */
const heartbeatsMissed = 2.5;

export const ready: Check = (_job, { node, liveness }, { world, now }) => {
  const blocked = (message: string) => ({ check: "ready", message });
  if (node.lost) return blocked("is lost: its agent has fallen silent");
  if (!liveness || liveness.session === "") return blocked("has no connection: its agent is not there");
  const silentMs = now - liveness.heardAt;
  if (silentMs > heartbeatsMissed * world.settings.heartbeatIntervalMs) {
    return blocked(`has been silent for ${Math.round(silentMs / 1000)} s`);
  }
  return undefined;
};
