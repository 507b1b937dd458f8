import { buildAll } from "../../../scripts/build.js";
import { Lab } from "../machines/lab.js";
import { labFolder } from "../machines/settings.js";
import { checkout } from "../site/bundle.js";
import { Stage } from "../stage.js";
import { type ChaosSettings, runChaos } from "./chaos.js";
import type { Ground } from "./ground.js";
import { HostGround } from "./host-ground.js";
import { LabGround } from "./lab-ground.js";
import { type FaultKind, faultKinds, machineFaultKinds } from "./plan.js";
import { report } from "./report.js";

export interface ChaosFlags {
  minutes: number;
  seed: number;
  /** On this host, or of the lab. */
  nodes: number;
  ttlMs: number;
  keep: boolean;
}

type Say = (line: string) => void;

/** `chaos` on this host's own processes; its exit code. */
export async function chaosOnHost(flags: ChaosFlags, say: Say): Promise<number> {
  const { nodes, ttlMs, keep } = flags;
  await buildAll(checkout);
  const times = { ttlMs, marginMs: ttlMs / 4, heartbeatMs: ttlMs / 6 };
  const ground = await HostGround.raise({ nodes, cpusPerNode: 4, ...times });
  onSignal(say, () => ground.stop());
  say(`chaos: ${nodes} agents on this host; ${ground.folder}`);
  let failed = true;
  try {
    failed = await play(ground, faultKinds, flags, say);
  } finally {
    const kept = failed && keep;
    await ground.stop(kept);
    if (kept) say(`journals, logs and data: ${ground.folder}`);
  }
  return failed ? 1 : 0;
}

/** The same on machines of the lab, which can be cut off from one another, too. */
export async function chaosOnMachines(flags: ChaosFlags, say: Say): Promise<number> {
  const { nodes, ttlMs, keep } = flags;
  await Lab.downIfUp();
  const lab = await Lab.up(nodes, "quick");
  onSignal(say, () => lab.down());
  say(`chaos: ${nodes} machines of the lab`);
  let failed = true;
  try {
    const ground = await LabGround.raise(new Stage(lab), ttlMs);
    try {
      failed = await play(ground, machineFaultKinds, flags, say);
    } finally {
      await ground.stop();
    }
  } finally {
    if (failed && keep) say(`the lab is left up; journals, logs and data: ${labFolder}`);
    else await lab.down();
  }
  return failed ? 1 : 0;
}

/** Whether there was a violation. */
async function play(ground: Ground, kinds: readonly FaultKind[], flags: ChaosFlags, say: Say): Promise<boolean> {
  const { minutes, seed, ttlMs } = flags;
  say(`leases of ${ttlMs} ms, ${minutes} minutes, seed ${seed}`);
  say(
    `--seed ${seed} plays the same faults and jobs again at the same times; what they meet is the processes' own timing.`,
  );
  const settings: ChaosSettings = {
    ...{ seed, runMs: minutes * 60_000, kinds },
    // So many that nodes are busy, and not so many that they wait for longer than faults last.
    ...{ faultEveryMs: 4_000, longShare: 0.25, submitEveryMs: 9_000 / ground.nodes.length, longestJobMs: 15_000 },
  };
  const result = await runChaos(ground, settings, say);
  for (const line of report(result)) say(line);
  const { length } = result.violations;
  say(length > 0 ? `chaos: ${length} violations, seed ${seed}` : `chaos: no violation, seed ${seed}`);
  return length > 0;
}

function onSignal(say: Say, end: () => Promise<void>): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      say(`${signal}: ending everything`);
      void end().finally(() => process.exit(130));
    });
  }
}
