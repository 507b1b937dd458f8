import { buildAll } from "../../../scripts/build.js";
import { checkout } from "../site/bundle.js";
import { type ChaosSettings, runChaos } from "./chaos.js";
import { HostGround } from "./host-ground.js";
import { faultKinds } from "./plan.js";
import { report } from "./report.js";

export interface ChaosFlags {
  minutes: number;
  seed: number;
  agents: number;
  ttlMs: number;
  keep: boolean;
}

/** `chaos` on this host's own processes; its exit code. */
export async function chaosOnHost(flags: ChaosFlags, say: (line: string) => void): Promise<number> {
  const { minutes, seed, agents, ttlMs, keep } = flags;
  await buildAll(checkout);
  const ground = await HostGround.raise({
    nodes: agents,
    cpusPerNode: 4,
    ttlMs,
    marginMs: ttlMs / 4,
    heartbeatMs: ttlMs / 6,
  });
  const stop = (signal: NodeJS.Signals) => {
    say(`${signal}: ending everything`);
    void ground.stop().finally(() => process.exit(130));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
  say(
    `chaos: ${agents} agents on this host, leases of ${ttlMs} ms, ${minutes} minutes, seed ${seed}; ${ground.folder}`,
  );
  say(
    `--seed ${seed} plays the same faults and jobs again at the same times; what they meet is the processes' own timing.`,
  );
  const settings: ChaosSettings = {
    ...{ seed, runMs: minutes * 60_000, kinds: faultKinds },
    ...{ faultEveryMs: 4_000, longShare: 0.25, submitEveryMs: 1_500, longestJobMs: 15_000 },
  };
  let failed = true;
  try {
    const result = await runChaos(ground, settings, say);
    failed = result.violations.length > 0;
    for (const line of report(result)) say(line);
    say(failed ? `chaos: ${result.violations.length} violations, seed ${seed}` : `chaos: no violation, seed ${seed}`);
  } finally {
    const kept = failed && keep;
    await ground.stop(kept);
    if (kept) say(`journals, logs and data: ${ground.folder}`);
  }
  return failed ? 1 : 0;
}
