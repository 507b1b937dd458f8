import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { type BenchSite, single } from "../bench-site.js";
import { percentile, wallMs } from "../measure.js";

const lines = 400;

/** Each line says when it was written; `stoker job logs -f` prints it, and we look at the clock. */
export async function logLatency(site: BenchSite): Promise<Record<string, number>> {
  const parent = await site.experiment("logs");
  // Waits at first, so that the follower is there: what it is told as history is no latency.
  const commandLine = `sleep 2; for i in $(seq ${lines}); do echo $EPOCHREALTIME; sleep 0.02; done`;
  await site.jobs().createJob({ parent, name: "talker", spec: single(commandLine) });
  const program = resolve(import.meta.dirname, "../../../dist/stoker.js");
  const words = ["job", "logs", "-n", "talker", "-w", "bench", "-e", "logs", "-f"];
  const follower = spawn(process.execPath, [program, ...words], {
    env: { ...process.env, ...site.local.environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const samples: number[] = [];
  for await (const line of createInterface(follower.stdout)) {
    const now = wallMs();
    const written = /(\d{10}\.\d{6})\s*$/.exec(line)?.[1];
    if (written !== undefined) samples.push(now - Number(written) * 1000);
  }
  if (samples.length !== lines) throw new Error(`${samples.length} of ${lines} lines came`);
  return { p50: percentile(samples, 50), p99: percentile(samples, 99) };
}
