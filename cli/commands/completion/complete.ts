import { Call } from "../../call.js";
import { listOf, type Suggestions, suggest } from "../../completion/suggest.js";
import { connectionOptions } from "../../options.js";
import type { Noun, Verb } from "../../verb.js";
import type { World } from "../../world.js";

/** Whoever presses the key waits no longer for names. */
const namesWithinMs = 1_500;

/** Asked by the shells: the last word is the cursor's. The commands come in, because this one is among them. */
export const complete = (commands: () => { nouns: readonly Noun[]; topVerbs: readonly Verb[] }): Verb => ({
  name: "complete",
  description: "What may stand at the end of a command line, a line for each",
  example: 'stoker complete -- job show -n ""',
  argument: "[words...]",
  options: [],
  hidden: true,
  local: true,
  passThrough: true,
  async run(call) {
    const before = call.words.slice(0, -1);
    const current = call.words.at(-1) ?? "";
    const found = suggest({ ...commands(), connectionOptions }, before, current);
    const names = found.namesOf ? await namesOf(found.namesOf, found.given, call.world) : [];
    const lines = [
      ...found.words.map(({ word, about }) => `${word}\t${about.replaceAll(/\s+/g, " ")}`),
      ...names.filter((name) => name.startsWith(current)).map((name) => `${name}\t`),
      ...(found.files ? [":files"] : []),
    ];
    await call.world.out(lines.map((line) => `${line}\n`).join(""));
    return undefined;
  },
});

/** As the noun's own `list` says; none when the coordinator can't be asked, or says no. */
async function namesOf(noun: Noun, given: Suggestions["given"], world: World): Promise<string[]> {
  const said: Uint8Array[] = [];
  const quiet = new Proxy(world, {
    get: (target, name) => {
      if (name === "out") return async (bytes: string | Uint8Array) => void said.push(Buffer.from(bytes));
      if (name === "err") return async () => undefined;
      const own: unknown = Reflect.get(target, name, target);
      return typeof own === "function" ? own.bind(target) : own;
    },
  });
  const { name: _, cluster: __, ...scope } = given;
  const call = new Call(quiet, { ...scope, output: "json" }, []);
  let limit: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    limit = setTimeout(() => resolve(undefined), namesWithinMs);
  });
  try {
    await Promise.race([listOf(noun)?.run(call), late]);
    const items: unknown = JSON.parse(Buffer.concat(said).toString() || "[]");
    return Array.isArray(items) ? items.flatMap(nameOf) : [];
  } catch {
    // No coordinator, no workspace named, not allowed: there is nobody to tell while a line is being typed.
    return [];
  } finally {
    clearTimeout(limit);
    (await call.opened())?.close();
  }
}

const nameOf = (item: unknown): string[] =>
  typeof item === "object" && item !== null && "name" in item && typeof item.name === "string" ? [item.name] : [];
