import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { runLimited } from "../limited.js";
import { type BlockDevice, planDisks } from "./disks.js";

/** A file system on whole disks, made once and found again ever after by its label. */

/** Of ext4, which takes 16 characters. */
export const labelOf = (name: string) => `stoker-${createHash("sha256").update(name).digest("hex").slice(0, 9)}`;

const quickMs = 30_000;
/** Making a file system writes a little here and there over the whole disk. */
const makeMs = 600_000;

/** Resolves when `folder` shows the disks' file system; rejects with the reason in words. Touches no disk that holds anything else. */
export async function mountDisks(disks: readonly string[], name: string, folder: string, path: string): Promise<void> {
  const label = labelOf(name);
  if (isMountPoint(folder)) return;
  const run = runner(path);
  const plan = planDisks({ disks, label, arrayDevice: `/dev/md/${label}` }, await look(disks, run));
  if (plan.kind === "refuse") throw new Error(plan.why);
  if (plan.kind === "assemble") await run(quickMs, "mdadm", "--assemble", plan.device, ...plan.array);
  if (plan.kind === "make") {
    if (plan.array.length > 0) {
      const [level, count] = ["--level=0", `--raid-devices=${plan.array.length}`];
      // It asks when a disk holds anything, and is not answered: a second lock behind the plan's.
      await run(makeMs, "mdadm", "--create", plan.device, level, count, `--name=${label}`, ...plan.array);
    }
    await run(makeMs, "mkfs.ext4", "-q", "-L", label, plan.device);
  }
  mkdirSync(folder, { recursive: true });
  await run(quickMs, "mount", "-t", "ext4", plan.device, folder);
}

/** The disks stay as they are. */
export async function unmountDisks(folder: string, path: string): Promise<void> {
  if (isMountPoint(folder)) await runner(path)(quickMs, "umount", folder);
}

type Run = (limitMs: number, ...argv: [string, ...string[]]) => Promise<string>;

const runner =
  (path: string): Run =>
  async (timeoutMs, ...argv) => {
    const { problem, words } = await runLimited({ argv, timeoutMs, environment: { PATH: path, LC_ALL: "C" } });
    if (problem === undefined) return words;
    const missing = /ENOENT/.test(problem) ? `the program ${argv[0]} is not installed` : problem;
    throw new Error(`${argv[0]}: ${missing}${words === "" ? "" : `: ${words.split("\n").at(-1)}`}`);
  };

const isMountPoint = (folder: string) =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .some((line) => line.split(" ")[4] === folder.replaceAll(" ", "\\040"));

interface Listed {
  path: string;
  type: string;
  ro: boolean;
  size: number;
  mountpoints: Array<string | null>;
  children?: Listed[];
}

async function look(disks: readonly string[], run: Run): Promise<BlockDevice[]> {
  const found: BlockDevice[] = [];
  for (const disk of disks) {
    const text = await run(quickMs, "lsblk", "-J", "-b", "-p", "-o", "PATH,TYPE,RO,SIZE,MOUNTPOINTS", disk).catch(
      () => "",
    );
    const { blockdevices = [] } = text === "" ? {} : (JSON.parse(text) as { blockdevices?: Listed[] });
    for (const device of blockdevices) found.push(await described(device, run));
  }
  return found;
}

async function described(device: Listed, run: Run): Promise<BlockDevice> {
  const { path, type, ro, size, mountpoints, children = [] } = device;
  // What the device itself says: what lsblk knows of it may be old.
  const text = await run(quickMs, "wipefs", "-J", "-n", path);
  const { signatures = [] } = text === "" ? {} : (JSON.parse(text) as { signatures?: Signature[] });
  return {
    ...{ path, type, readOnly: ro, sizeBytes: size },
    signatures: signatures.map((signature) => ({ type: signature.type, label: signature.label ?? "" })),
    mountPoints: mountpoints.flatMap((point) => point ?? []),
    children: await Promise.all(children.map((child) => described(child, run))),
  };
}

interface Signature {
  type: string;
  label?: string;
}
