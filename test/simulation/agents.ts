import type { Effect } from "../../coordinator/core/effects.js";
import { type CoreWorld, done, exited, ready } from "../build.js";

/** Agents that do at once what they are told. Works off effects until none is left. */
export function obey(world: CoreWorld, effects: readonly Effect[], exitCode: () => number = () => 0): void {
  const left = [...effects];
  const ranks = new Map<string, number[]>();
  const over = new Set<string>();
  const say = (result: { effects: readonly Effect[] }) => left.push(...result.effects);
  for (let effect = left.shift(); effect !== undefined; effect = left.shift()) {
    if (effect.kind === "grant-lease") {
      const { node, grant } = effect;
      const key = `${node} ${grant.leaseId}`;
      ranks.set(
        key,
        grant.ranks.map(({ rank }) => rank),
      );
      say(world.report(node, grant.leaseId, ready));
      if (grant.startWhenReady) run(node, grant.leaseId);
    }
    if (effect.kind === "start-ranks") run(effect.node, effect.lease);
    if (effect.kind === "stop-lease") end(effect.node, effect.lease);
  }

  function run(node: string, lease: string): void {
    const own = ranks.get(`${node} ${lease}`) ?? [];
    for (const rank of own) say(world.report(node, lease, exited(rank, exitCode())));
    if (own.length > 0) end(node, lease);
  }

  function end(node: string, lease: string): void {
    if (over.has(`${node} ${lease}`)) return;
    over.add(`${node} ${lease}`);
    say(world.report(node, lease, done));
  }
}
