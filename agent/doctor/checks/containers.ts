import { type Check, type Finding, fail, ok, warn } from "../../../shared/doctor/finding.js";
import type { AgentWorld } from "../world.js";
import { containerGpus } from "./container-gpus.js";

/** In the order in which an agent takes them. */
const runtimes: ReadonlyArray<{ name: string; ask: readonly [string, ...string[]] }> = [
  { name: "podman", ask: ["podman", "info", "--format", "{{.Version.Version}}"] },
  { name: "docker", ask: ["docker", "info", "--format", "{{.ServerVersion}}"] },
  { name: "apptainer", ask: ["apptainer", "--version"] },
];

export const containers: Check<AgentWorld> = {
  name: "containers",
  async look({ machine, containers: wish }) {
    if (wish === "off") return ok("containers are switched off here");
    const asked = await Promise.all(
      runtimes.map(async (each) => ({ ...each, ran: await machine.run(each.ask, 15_000) })),
    );
    const found: Finding[] = asked.flatMap(({ name, ran, ask }) =>
      ran && ran.code !== 0
        ? [warn(`${name} is installed and does not work: ${lastLine(ran.stderr)}`, ask.slice(0, 2).join(" "))]
        : [],
    );
    const works = asked.find(({ name, ran }) => ran?.code === 0 && (wish === "auto" || wish === name));
    if (works) {
      const version = /\d+(?:\.\d+)+/.exec(works.ran?.stdout ?? "")?.[0] ?? "";
      found.unshift(ok(`containers run by ${works.name} ${version}`.trimEnd()));
    } else if (wish !== "auto") found.unshift(fail(`${wish}, which is set, does not work`, `apt install ${wish}`));
    else found.push(warn("nothing runs containers here: jobs that want one go elsewhere", "apt install podman crun"));
    const ofGpus = works === undefined ? undefined : await containerGpus(machine, works.name);
    return ofGpus === undefined ? found : [...found, ofGpus];
  },
};

const lastLine = (text: string) => text.trim().split("\n").at(-1) ?? "";
