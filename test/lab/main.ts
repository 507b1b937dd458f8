import { parseArgs } from "node:util";
import { chaosOnHost, chaosOnMachines } from "./chaos/command.js";
import { prepareHost, type TierName } from "./machines/host.js";
import { Lab } from "./machines/lab.js";
import { scenarios } from "./scenarios/index.js";
import { type Figure, type Scenario, Stage, say } from "./stage.js";

const usage = `npm run test:lab [-- [--tier quick|full] [--keep] [SCENARIO…]]

npm run test:lab -- chaos [--minutes M] [--seed N] [--agents A | --machines M] [--lease-ttl-ms T] [--keep]

Plays scenarios on lab machines of this host, each on a fresh lab; all of the tier's when none is named. The tier is quick, but full
for those that mean little without machines of their own, where it can run.
--keep stops after a scenario that failed, and leaves the last one's lab up to look at: npx tsx test/lab/machines/main.ts

chaos kills, freezes and cuts off real processes of this host at random under load, and checks what comes of it; it needs no lab machine.
With --machines it does so on that many of the lab, whose power and network it cuts.

`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tier: { type: "string" },
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    agents: { type: "string" },
    machines: { type: "string" },
    "lease-ttl-ms": { type: "string" },
    keep: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

process.exitCode =
  positionals.length === 1 && positionals[0] === "chaos" && !values.help ? await chaos() : await main();

async function chaos(): Promise<number> {
  const { machines, agents = machines ?? "6", keep } = values;
  // Machines take longer to come back from a fault than processes do, and short ones are to cost nothing.
  const ttl = values["lease-ttl-ms"] ?? (machines === undefined ? "6000" : "12000");
  const [minutes, seed, nodes, ttlMs] = [values.minutes, values.seed, agents, ttl].map(Number);
  if (!minutes || seed === undefined || !Number.isInteger(seed) || !nodes || !ttlMs || minutes < 0 || nodes < 2) {
    return refuse("chaos takes --minutes, --seed, --agents or --machines (2 at least) and --lease-ttl-ms as numbers");
  }
  const play = machines === undefined ? chaosOnHost : chaosOnMachines;
  return play({ minutes, seed, nodes, ttlMs, keep }, say);
}

async function main(): Promise<number> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      say(`${signal}: taking the lab down`);
      void Lab.downIfUp().finally(() => process.exit(130));
    });
  }
  if (values.help || values.list) {
    say(
      usage + scenarios.map(({ name, shows, tiers }) => `${name.padEnd(20)}${shows} (${tiers.join(", ")})`).join("\n"),
    );
    return 0;
  }
  const tier = values.tier ?? (await preferredTier(positionals));
  if (tier !== "quick" && tier !== "full") return refuse(`--tier is quick or full, not ${tier}`);
  const unknown = positionals.find((name) => !scenarios.some((scenario) => scenario.name === name));
  if (unknown !== undefined) return refuse(`there is no scenario ${unknown}; --list names them`);
  const chosen = scenarios.filter(({ name, tiers, onRequest }) =>
    positionals.length > 0 ? positionals.includes(name) : tiers.includes(tier) && !onRequest,
  );
  const unfit = chosen.find(({ tiers }) => !tiers.includes(tier));
  if (unfit !== undefined) return refuse(`${unfit.name} is not played in the ${tier} tier`);

  const failed: string[] = [];
  const figures: Figure[] = [];
  for (const scenario of chosen) {
    const outcome = await play(scenario, tier, values.keep && scenario === chosen.at(-1));
    if (outcome === undefined) return 1;
    figures.push(...outcome.figures.map((figure) => ({ ...figure, name: `${scenario.name}: ${figure.name}` })));
    if (outcome.failed) failed.push(scenario.name);
    if (outcome.failed && values.keep) break;
  }
  say("");
  for (const { name, value, unit } of figures)
    say(`${name} = ${unit === "ms" ? Math.round(value) : value} ${unit}`.trimEnd());
  say(failed.length === 0 ? `${chosen.length} scenarios shown` : `failed: ${failed.join(", ")}`);
  return failed.length === 0 ? 0 : 1;
}

/** The quick one, unless what is asked for means little on it; where the other can't be, that is said. */
async function preferredTier(names: readonly string[]): Promise<TierName> {
  const asked = scenarios.filter(({ name }) => names.includes(name));
  if (asked.length === 0 || !asked.every(({ prefers }) => prefers === "full")) return "quick";
  try {
    await prepareHost("full");
    return "full";
  } catch (error) {
    say(`The full tier can't run here: ${describe(error)}.`);
    say("What follows is of the quick tier: containers that share this host's kernel, not machines of their own.");
    return "quick";
  }
}

/** Undefined when there could be no lab at all. */
async function play(
  scenario: Scenario,
  tier: TierName,
  keep: boolean,
): Promise<{ failed: boolean; figures: Figure[] } | undefined> {
  say(`${scenario.name}: ${scenario.shows} (${tier} tier)`);
  let stage: Stage;
  try {
    await Lab.downIfUp();
    stage = new Stage(await Lab.up(scenario.machines, tier));
  } catch (error) {
    process.stderr.write(`no lab: ${describe(error)}\n`);
    return undefined;
  }
  let failed = false;
  try {
    await scenario.run(stage);
  } catch (error) {
    failed = true;
    say(describe(error).replace(/^/gm, "        "));
  }
  if (!(keep || (failed && values.keep))) await stage.lab.down();
  return { failed, figures: stage.figures };
}

function refuse(why: string): number {
  process.stderr.write(`test:lab: ${why}\n`);
  return 2;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\nbecause: ${describe(error.cause)}`;
  return `${error.message}${cause}${"operator" in error ? `\n${error.stack ?? ""}` : ""}`;
}
