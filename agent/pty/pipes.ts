import { type ChildProcessByStdio, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { Fault } from "../../shared/fault.js";
import type { RelayChannel } from "../relay-ports.js";
import { graceMs, type Start, signalGroup } from "./start.js";

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** A process that it left in the background may keep the pipes open: after its end, so long a silence is the end of its output. */
const silenceMs = 1_000;

/** Stdin, stdout and stderr apart, byte for byte. */
export async function runOnPipes({ program, words, environment }: Start, channel: RelayChannel): Promise<void> {
  const child = spawn(program, words, { env: environment, cwd: "/", detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const ended = exitOf(child);
  const end = () => endIt(child);
  channel.signal.addEventListener("abort", end, { once: true });
  if (channel.signal.aborted) end();
  try {
    await channel.send({ case: "started", value: {} });
    const activity = { at: performance.now(), sending: 0 };
    const output = Promise.all([
      pump(child.stdout, "output", channel, activity),
      pump(child.stderr, "errorOutput", channel, activity),
    ]);
    // Ends with the channel, which is not waited for: it may be still when the process ends.
    feed(child, channel).catch(() => child.stdin.destroy());
    const exitCode = await ended;
    await Promise.race([output, silence(activity, channel.signal)]);
    await channel.send({ case: "exit", value: { exitCode } });
  } finally {
    channel.signal.removeEventListener("abort", end);
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  }
}

function exitOf(child: Child): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new Fault("failed-precondition", `it can't be started: ${error.message}`)));
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    // Broken when the process reads no more, which is no failure.
    child.stdin.on("error", () => child.stdin.destroy());
  });
}

interface Activity {
  at: number;
  sending: number;
}

async function pump(
  from: Readable,
  kind: "output" | "errorOutput",
  channel: RelayChannel,
  activity: Activity,
): Promise<void> {
  try {
    for await (const chunk of from.iterator({ destroyOnReturn: false })) {
      activity.sending += 1;
      await channel.send({ case: kind, value: chunk as Buffer });
      activity.sending -= 1;
      activity.at = performance.now();
    }
  } catch (error) {
    // Destroyed by us, at the end.
    if (!from.destroyed) throw error;
  }
}

/** A user who takes nothing for a while is not the silence of the process. */
async function silence(activity: Activity, signal: AbortSignal): Promise<void> {
  activity.at = performance.now();
  while (!signal.aborted) {
    const restMs = activity.sending > 0 ? silenceMs : activity.at + silenceMs - performance.now();
    if (restMs <= 0) return;
    await delay(restMs);
  }
}

async function feed({ stdin }: Child, channel: RelayChannel): Promise<void> {
  for await (const message of channel.received) {
    if (message.case === "inputEnd") stdin.end();
    else if (message.case === "input" && stdin.writable && !stdin.write(message.value)) {
      await new Promise<void>((resolve) => {
        for (const news of ["drain", "close"]) stdin.once(news, () => resolve());
      });
    }
  }
}

function endIt(child: Child): void {
  const { pid } = child;
  if (pid === undefined) return;
  child.stdin.destroy();
  signalGroup(pid, "SIGHUP");
  signalGroup(pid, "SIGTERM");
  setTimeout(() => signalGroup(pid, "SIGKILL"), graceMs).unref();
}
