import { Fault } from "../../../shared/fault.js";
import { admitText, refuse, shown } from "../admission/fields.js";
import type { Draft } from "../draft.js";

const nameMax = 255;

/** In place of what the alias stood for. Clusters that ask for it take and give up nodes at once. */
export function mapMachineClass(draft: Draft, given: string, machineClass: string): string {
  const name = admitClassName("alias", given);
  const alias = name.toLowerCase();
  if (alias === "any") refuse("alias", `"any" stands for every machine`);
  draft.put("machine-class-alias", {
    alias,
    name,
    machineClass: admitClassName("machine_class", machineClass),
    createdAt: draft.now,
  });
  draft.membershipStale = true;
  return alias;
}

export function unmapMachineClass(draft: Draft, given: string): string {
  const alias = given.trim().toLowerCase();
  if (!draft.world.machineClassAliases.has(alias)) {
    const ofSettings = Object.keys(draft.world.settings.machineClasses).some((name) => name.toLowerCase() === alias);
    throw new Fault(
      ofSettings ? "failed-precondition" : "not-found",
      ofSettings
        ? `${shown(given)} is an alias of the coordinator's own settings (--machine-classes): change it there, or map it to another class`
        : `there is no alias ${shown(given)}; \`stoker node class list\` shows them`,
    );
  }
  draft.delete("machine-class-alias", alias);
  draft.membershipStale = true;
  return alias;
}

function admitClassName(path: string, given: string): string {
  const name = admitText(path, given).trim();
  if (name.length > nameMax || /\s/.test(name)) {
    refuse(path, `"${shown(name)}" is not a name: at most ${nameMax} characters without blanks`);
  }
  return name;
}
