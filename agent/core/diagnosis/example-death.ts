import { readMessage } from "../kernel/message.js";
import type { Evidence } from "./diagnosis.js";

export const now = Date.UTC(2026, 10, 21, 14, 2, 20);
export const gpu = { uuid: "GPU-1f", index: 3, bus: "00000000:3b:00" };

/** `kernel`: what it said nine seconds before. */
export function death(given: Partial<Omit<Evidence, "kernel">> & { kernel?: string[] }): Evidence {
  const { kernel = [], ...rest } = given;
  const messages = kernel.flatMap((line) => readMessage(line) ?? []);
  return {
    exitCode: 1,
    signal: 0,
    at: now,
    stderr: "",
    stdout: "",
    gpus: [gpu],
    lease: "l.1",
    wasStopped: false,
    kernel: messages.map((message) => ({ at: now - 9_000, message })),
    ...rest,
  };
}

export const trace = (last: string) =>
  `Traceback (most recent call last):\n  File "train.py", line 3, in <module>\n    main()\n${last}\n`;
export const xid = (code: number, text = "x") => `NVRM: Xid (PCI:0000:3b:00): ${code}, pid=7, name=python3, ${text}`;
export const killed = { signal: 9, exitCode: 137 };
