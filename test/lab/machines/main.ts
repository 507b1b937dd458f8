import { readFileSync } from "node:fs";
import { passThrough } from "./command.js";
import type { TierName } from "./host.js";
import { Lab } from "./lab.js";
import { addressOf, filer } from "./settings.js";

const usage = `The lab by hand: npx tsx test/lab/machines/main.ts VERB

  up N [quick|full]           build the image if need be, start machines m1 to mN
  exec MACHINE CMD…           run a command as root on a machine; input, output and exit code pass through
  push MACHINE PATH FOLDER    copy a file or folder of this host into FOLDER on the machine
  control CMD…                run a command of this host in the lab's network, as 10.77.0.254
  cut MACHINE                 power loss
  boot MACHINE                power on again, with the same disk
  wipe MACHINE                cut, and forget the disk
  freeze|thaw MACHINE         a stuck kernel, and its end
  partition MACHINE [OTHER]   cut off from all, or from one other machine, control or filer
  heal MACHINE [OTHER]        undo that
  nfs up|cut|freeze|thaw      the file server, filer:/share at ${addressOf(filer)}
  console MACHINE             what it printed while booting
  status                      what is up
  down                        end everything, forget the disks
`;

type Verb = (...words: string[]) => Promise<number | undefined>;

const done = async (work: Promise<unknown> | undefined): Promise<undefined> => {
  await work;
};
const machine = (name = "") => Lab.open().machine(name);

const verbs: Record<string, Verb> = {
  up: (count = "", tier = "quick") => {
    if (!/^[1-9]\d?$/.test(count) || (tier !== "quick" && tier !== "full"))
      throw new Error("up takes how many machines, and quick or full");
    return done(Lab.up(Number(count), tier satisfies TierName));
  },
  exec: (name, ...argv) => passThrough(machine(name).enter(argv)),
  push: (name, path = "", folder = "/root") => done(machine(name).push(path, folder)),
  control: (...argv) => passThrough(Lab.open().onControl(argv)),
  cut: (name) => done(machine(name).cut()),
  boot: (name = "") => done(Lab.open().boot(name)),
  wipe: (name) => done(machine(name).wipe()),
  freeze: (name) => done(machine(name).freeze()),
  thaw: (name) => done(machine(name).thaw()),
  partition: (name, other) => done(machine(name).partition(other)),
  heal: (name, other) => done(machine(name).heal(other)),
  nfs: async (what) => {
    const server = Lab.open().filer;
    if (what === "up") await server.up();
    else if (what === "cut") await server.cut();
    else if (what === "freeze" || what === "thaw") server.freeze(what === "freeze");
    else throw new Error("nfs takes up, cut, freeze or thaw");
    return undefined;
  },
  console: async (name) => void process.stdout.write(readFileSync(machine(name).consolePath)),
  status: async () => {
    const lab = Lab.open();
    const lines = lab.machines.map(({ name, address, on }) => `${name} ${address} ${on ? "on" : "off"}`);
    process.stdout.write(`${lab.tier} tier\n${lines.join("\n")}\n`);
    return undefined;
  },
  down: () => done(Lab.open().down()),
};

const [verb = "help", ...words] = process.argv.slice(2);
const perform = verbs[verb];
if (perform === undefined) {
  process.stdout.write(usage);
  process.exitCode = verb === "help" ? 0 : 2;
} else {
  try {
    process.exitCode = (await perform(...words)) ?? 0;
  } catch (error) {
    process.stderr.write(`lab: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
