import { fstatSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { IPty } from "node-pty";
import { Fault } from "../../shared/fault.js";
import type { ExecPlan, WindowSize } from "../../shared/gen/stoker/v1/relay_pb.js";
import type { RelayChannel } from "../relay-ports.js";
import { graceMs, type Start, signalGroup } from "./start.js";

/** Output that waits for the user; beyond it the terminal is not read, and its processes wait. */
const waitingMax = 256 * 1024;
/** Input that the terminal does not take now is offered again. */
const retryMs = 10;

/** On a pseudo-terminal: a shell with job control, programs that draw on the screen. */
export async function runOnTerminal(start: Start, plan: ExecPlan, channel: RelayChannel): Promise<void> {
  const terminal = await open(start, plan);
  const exited = new Promise<number>((resolve) => {
    terminal.onExit(({ exitCode, signal }) => resolve(signal ? 128 + signal : exitCode));
  });
  const state = { over: false };
  const end = () => {
    signalGroup(terminal.pid, "SIGHUP");
    setTimeout(() => state.over || signalGroup(terminal.pid, "SIGKILL"), graceMs).unref();
  };
  channel.signal.addEventListener("abort", end, { once: true });
  if (channel.signal.aborted) end();
  let sent = channel.send({ case: "started", value: {} });
  let waiting = 0;
  terminal.onData((text) => {
    // With no encoding it is bytes, whatever the type says.
    const bytes = Buffer.from(text);
    waiting += bytes.length;
    if (waiting > waitingMax) terminal.pause();
    sent = sent
      .then(() => channel.send({ case: "output", value: bytes }))
      .then(() => {
        waiting -= bytes.length;
        if (waiting <= waitingMax / 2 && !state.over) terminal.resume();
      });
  });
  feed(terminal, channel, state).catch(end);
  const exitCode = await exited;
  state.over = true;
  channel.signal.removeEventListener("abort", end);
  await sent;
  await channel.send({ case: "exit", value: { exitCode } });
}

async function open({ program, words, environment }: Start, plan: ExecPlan): Promise<IPty> {
  // Only here: an agent whose add-on can't be loaded does all else.
  const { spawn } = await import("node-pty").catch((cause: unknown) => {
    throw new Fault("failed-precondition", "the node has no terminals, because its add-on node-pty can't be loaded", {
      cause,
    });
  });
  const { columns, rows } = sizeOf(plan.window);
  const name = /^[\w.+-]{1,64}$/.test(plan.terminalType) ? plan.terminalType : "xterm";
  return spawn(program, words, { name, cols: columns, rows, cwd: "/", env: environment, encoding: null });
}

const side = (value: number | undefined, otherwise: number) =>
  value && value > 0 ? Math.min(value, 10_000) : otherwise;
const sizeOf = (window: WindowSize | undefined) => ({
  columns: side(window?.columns, 80),
  rows: side(window?.rows, 24),
});

async function feed(terminal: IPty, channel: RelayChannel, state: { over: boolean }): Promise<void> {
  const input = new TerminalInput(terminal, () => state.over || channel.signal.aborted);
  for await (const message of channel.received) {
    if (state.over) return;
    if (message.case === "input") await input.write(message.value);
    else if (message.case === "inputEnd") await input.write(Buffer.from([endOfTransmission]));
    else if (message.case === "window") resize(terminal, message.value);
  }
}

/** Ctrl-D: what a user whose stdin has ended would press. */
const endOfTransmission = 4;

function resize(terminal: IPty, window: WindowSize): void {
  const { columns, rows } = sizeOf(window);
  try {
    terminal.resize(columns, rows);
  } catch {
    // It has just ended, which its exit will tell.
  }
}

/**
 * Writes as the terminal takes it. node-pty's own `write` keeps any amount in memory and asks again without a pause while a program reads
 * nothing; and by the time it writes, its file descriptor may be another file's. Here each piece is written in the very turn in which the
 * descriptor was seen to be the terminal's.
 */
class TerminalInput {
  private readonly file: number;
  private readonly device: string;

  constructor(
    terminal: IPty,
    private readonly isOver: () => boolean,
  ) {
    const file = "fd" in terminal ? terminal.fd : undefined;
    if (typeof file !== "number") throw new Error("node-pty has no file descriptor any more");
    this.file = file;
    this.device = this.look();
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.isOver(); ) {
      const put = this.tryWrite(bytes.subarray(at));
      if (put === undefined) return;
      at += put;
      if (put === 0) await delay(retryMs);
    }
  }

  /** 0 when it takes nothing now, undefined when it is gone. */
  private tryWrite(bytes: Uint8Array): number | undefined {
    try {
      if (this.look() !== this.device) return undefined;
      return writeSync(this.file, bytes);
    } catch (error) {
      return error instanceof Error && "code" in error && error.code === "EAGAIN" ? 0 : undefined;
    }
  }

  private look(): string {
    const { dev, ino, rdev } = fstatSync(this.file);
    return `${dev} ${ino} ${rdev}`;
  }
}
