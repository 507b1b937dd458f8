import { isIP } from "node:net";
import { type Check, type Finding, fail, ok, warn } from "../finding.js";
import type { Machine } from "../machine.js";

export interface NamesWorld {
  machine: Machine;
  /** This machine's own. */
  hostName: string;
  /** Those without which nothing works, such as the coordinator's. */
  needed: readonly string[];
  /** Those of other machines. */
  wanted: readonly string[];
}

export const names: Check<NamesWorld> = {
  name: "names",
  async look({ machine, hostName, needed, wanted }) {
    const unknown = async (all: readonly string[]) => {
      const asked = all.filter((name) => isIP(name) === 0);
      const found = await Promise.all(
        asked.map(async (name) => ((await machine.addressesOf(name)).length > 0 ? [] : [name])),
      );
      return found.flat();
    };
    const [own, lost, others] = await Promise.all([unknown([hostName]), unknown(needed), unknown(wanted)]);
    const remedy = (name: string) => `add it to DNS, or to /etc/hosts: echo "ADDRESS ${name}" >>/etc/hosts`;
    const found: Finding[] = [
      ...lost.map((name) => fail(`the name ${name} has no address here`, remedy(name))),
      ...own.map((name) =>
        warn(`this machine does not know its own name, ${name}: MPI may hang at start`, remedy(name)),
      ),
      ...(others.length === 0
        ? []
        : [warn(`names of other nodes have no address here: ${some(others)}`, remedy(others[0] ?? "NAME"))]),
    ];
    return found.length > 0 ? found : ok("every name has an address");
  },
};

/** The first few, and how many more. */
export const some = (all: readonly string[], most = 5): string =>
  all.length > most ? `${all.slice(0, most).join(", ")} and ${all.length - most} more` : all.join(", ");
