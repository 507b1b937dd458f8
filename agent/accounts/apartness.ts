import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

/** How far this machine's kernel keeps the processes of leases from one another, beside their accounts. */
export interface Apartness {
  /** Each lease has a user namespace: nobody of another looks into its processes, of the same account neither. */
  readonly compartments: boolean;
  /** Ranks see no processes but those that they may look into. */
  readonly hiding: boolean;
  /** The shim has no dynamic linker, which would have root obey a job's LD_PRELOAD. */
  readonly isStatic: boolean;
  /** For people. */
  readonly words: string;
}

/** Of an agent whose jobs are all its own account's. */
export const notApart: Apartness = { compartments: false, hiding: false, isStatic: true, words: "" };

/** What of the machine is mounted below /proc everywhere. */
const ordinary = /^\/proc\/sys\/fs\/binfmt_misc$/;

/** As `stoker-shim apart` finds it; see agent/native/compartment.h. */
export async function findApartness(shimPath: string, mountsFile = "/proc/self/mounts"): Promise<Apartness> {
  const { stdout } = await run(shimPath, ["apart"], { env: {}, timeout: 10_000 });
  const told = new Map(stdout.split("\n").map((line) => [line.split(" ")[0], line.split(" ").slice(1).join(" ")]));
  const compartments = told.get("compartments") ?? "not told";
  // A /proc that is not as the kernel makes it, such as in containers of the machine's own, is left alone.
  const changed = readFileSync(mountsFile, "utf8")
    .split("\n")
    .flatMap((line) => line.split(" ")[1] ?? [])
    .find((path) => path.startsWith("/proc/") && !ordinary.test(path));
  const hiding = changed === undefined ? (told.get("hiding") ?? "not told") : `${changed} is mounted there`;
  const words = [
    compartments === "yes"
      ? "jobs of one account can't look into each other"
      : `jobs of one account can look into each other (no user namespaces: ${compartments})`,
    hiding === "yes" ? "nor see each other's processes" : `all processes are seen (/proc can't hide them: ${hiding})`,
  ].join(compartments === "yes" && hiding === "yes" ? ", " : "; ");
  const isStatic = told.get("static") === "yes";
  return { compartments: compartments === "yes", hiding: hiding === "yes", isStatic, words };
}
