import type { Xid } from "./xid.js";

/**
 * What follows from an Xid:
 * - `application`: the program's own mistake, or its death; the GPU stays in service
 * - `note`: worth telling, nothing follows
 * - `reset-when-idle`: the jobs on it may end; then the GPU has to be reset
 * - `reset`: the GPU serves nobody until it is reset
 * - `reboot`: nor does it before the machine is started anew
 * - `hands`: somebody has to look at the machine
 * - `follows`: of another Xid, whose action counts
 */
export type XidAction = "application" | "note" | "reset-when-idle" | "reset" | "reboot" | "hands" | "follows";

export interface XidMeaning {
  action: XidAction;
  /** For people, after "GPU 3 (…)": `fell off the bus`. */
  words: string;
}

const engine = "had an engine stop on what the program sent it";

/**
 * Actions as in NVIDIA's Xid catalog (docs.nvidia.com/deploy/xid-errors), where a code has one; where drivers and tools disagree (109), NVIDIA's
 * word counts. A code that is not here is reported and drains nothing.
 */
const meanings: ReadonlyMap<number, XidMeaning> = new Map([
  [8, { action: "application", words: "stopped processing the program's work" }],
  [11, { action: "application", words: "was sent an invalid command stream" }],
  [
    13,
    { action: "application", words: "stopped the program for an exception on its cores, such as an illegal address" },
  ],
  [25, { action: "application", words: "was sent an illegal command stream" }],
  [31, { action: "application", words: "stopped the program for a page fault: it used memory that is not its own" }],
  [32, { action: "application", words: "was sent a corrupted command stream" }],
  ...codes([39, 40, 41, 60, 68, 69, 70, 71, 72, 75, 76, 77, 80, 82, 83, 84, 85, 86, 88, 89], "application", engine),
  ...codes([96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 139], "application", engine),
  ...codes([126, 127, 128, 129, 130, 131, 132, 133, 134, 135], "application", engine),
  [43, { action: "application", words: "stopped processing the program's work after an error of its own" }],
  [45, { action: "follows", words: "had its channels cleaned up after an earlier error" }],
  [46, { action: "reset", words: "stopped processing" }],
  [48, { action: "reset", words: "had a memory error that could not be corrected (double bit)" }],
  [54, { action: "hands", words: "has no auxiliary power: its cable is loose or missing" }],
  [62, { action: "reset", words: "had its internal controller halt" }],
  [63, { action: "reset-when-idle", words: "set a bad row of its memory aside, which a reset completes" }],
  [64, { action: "reset", words: "could not set a bad row of its memory aside" }],
  [74, { action: "reset", words: "had an NVLink error" }],
  [78, { action: "note", words: "could not start a virtual GPU" }],
  [79, { action: "reboot", words: "fell off the bus" }],
  [92, { action: "note", words: "corrects many memory errors" }],
  [94, { action: "application", words: "had a memory error that hit this program alone" }],
  [95, { action: "reset", words: "had a memory error that could have hit any program on it" }],
  [109, { action: "reset", words: "could not switch from one program to another in time" }],
  [110, { action: "reset", words: "had a security fault" }],
  [119, { action: "reset", words: "has a system processor that does not answer" }],
  [120, { action: "reset", words: "had an error of its system processor" }],
  [121, { action: "note", words: "had an error on its link to the processor" }],
  [136, { action: "reset", words: "could not bring an NVLink up" }],
  [137, { action: "note", words: "refused an access over NVLink" }],
  [140, { action: "reset", words: "had a memory error that it did not recover from" }],
  [141, { action: "note", words: "had an error on a fast path of CUDA" }],
  [143, { action: "reset", words: "could not be initialised" }],
  [151, { action: "reboot", words: "could not renew its keys" }],
  [155, { action: "reset", words: "had an NVLink error that its software found" }],
  [156, { action: "reset", words: "took a part of itself out of service" }],
  [158, { action: "reset", words: "did not finish in time and can't go on" }],
  [160, { action: "note", words: "took a channel out of service" }],
]);

const nvlink5 = { from: 144, to: 150 };
/** "GPU recovery action changed from 0x0 (None) to 0x4 (Drain and Reset)": the driver's own word on what to do. */
const recoveryCode = 154;
const recovery: readonly XidAction[] = [
  "note",
  "reset",
  "reboot",
  "reset-when-idle",
  "reset-when-idle",
  "reset",
  "reset",
  "reboot",
];

export function meaningOf({ code, text }: Pick<Xid, "code" | "text">): XidMeaning {
  if (code >= nvlink5.from && code <= nvlink5.to) {
    const fatal = /\bFatal\b/.test(text);
    return { action: fatal ? "reset" : "note", words: `had ${fatal ? "a fatal" : "an"} NVLink error` };
  }
  if (code === recoveryCode) {
    const to = / to 0x([0-9a-f]+) \(([^)]*)\)/i.exec(text);
    const action = recovery[Number.parseInt(to?.[1] ?? "0", 16)] ?? "note";
    return { action, words: `is said by its driver to need: ${to?.[2] ?? "nothing that it names"}` };
  }
  return meanings.get(code) ?? { action: "note", words: "reported an error that this version does not know" };
}

function codes(all: readonly number[], action: XidAction, words: string): Array<[number, XidMeaning]> {
  return all.map((code) => [code, { action, words }]);
}

export const codesKnown = (): number[] => [
  ...meanings.keys(),
  recoveryCode,
  ...Array.from({ length: nvlink5.to - nvlink5.from + 1 }, (_, at) => nvlink5.from + at),
];
