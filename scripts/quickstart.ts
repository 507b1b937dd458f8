import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildAll } from "./build.js";
import { LocalSite } from "./site/local-site.js";

/**
 * `npm run quickstart`: Stoker on this machine alone, with two nodes, training a real model on real data. `-- --keep` leaves it
 * running after the training, until Ctrl-C.
 */
const root = resolve(import.meta.dirname, "..");
const keeps = process.argv.includes("--keep");
const job = ["-n", "train", "-w", "quickstart", "-e", "digits"];
const say = (text: string) => process.stdout.write(`${text}\n`);

const interrupted = new Promise<"interrupted">((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve("interrupted"));
});

process.exitCode = await main();

async function main(): Promise<number> {
  await buildAll(root);
  const folder = mkdtempSync(join(tmpdir(), "stoker-quickstart-"));
  say(`Starting a coordinator and two agents on this machine, in ${folder}`);
  const starting = LocalSite.start({ folder, nodes: ["node1", "node2"], agentFlags: ["--cpus", "2"] });
  const site = await Promise.race([starting, interrupted]);
  if (site === "interrupted") {
    await (await starting).stop();
    return 130;
  }
  try {
    const training = train(site);
    const outcome = await Promise.race([training, interrupted]);
    if (outcome === "interrupted") await giveUp(site, training);
    else if (outcome === 0 && keeps) await keep(site);
    return outcome === "interrupted" ? 130 : outcome;
  } finally {
    const left = await site.stop();
    say(left.length === 0 ? "Stopped; no process is left." : `Stopped; these had to be killed:\n${left.join("\n")}`);
  }
}

async function train(site: LocalSite): Promise<number> {
  const { folder } = site.options;
  await tell(site, ["workspace", "create", "-n", "quickstart"]);
  await tell(site, ["cluster", "create", "-n", "here", "-w", "quickstart", "-f", "docs/quickstart/cluster.json"]);
  await tell(site, ["experiment", "create", "-n", "digits", "-w", "quickstart"]);
  const file = prepareJob(folder);
  await tell(site, ["job", "create", ...job, "-c", "here", "-f", file]);
  say(`$ stoker job logs ${job.join(" ")} -f`);
  await site.run(["job", "logs", ...job, "-f"], true);
  const { code, stderr } = await site.run(["job", "wait", ...job]);
  if (code !== 0) {
    say(`The job did not succeed. ${stderr.trim()}\nThe daemons' logs are in ${folder}/logs.`);
    return 1;
  }
  return report(site);
}

async function tell(site: LocalSite, words: string[]): Promise<void> {
  say(`$ stoker ${words.join(" ")}`);
  await site.stoker(words);
}

/** The example's job, with the paths of this run: its results stay in the folder after the end. */
function prepareJob(folder: string): string {
  mkdirSync(join(folder, "results"));
  cpSync(join(root, "test/fixtures/digits"), join(folder, "scripts"), { recursive: true });
  const text = readFileSync(join(root, "docs/quickstart/job.json"), "utf8");
  const path = join(folder, "job.json");
  writeFileSync(path, text.replaceAll("$QUICKSTART", folder));
  return path;
}

function report(site: LocalSite): number {
  const { folder } = site.options;
  const metricsPath = readdirSync(join(folder, "results"), { recursive: true, encoding: "utf8" }).find((name) =>
    name.endsWith("/metrics.json"),
  );
  if (metricsPath === undefined) {
    say(`The job succeeded and left no metrics.json in ${folder}/results.`);
    return 1;
  }
  const metrics = JSON.parse(readFileSync(join(folder, "results", metricsPath), "utf8")) as Record<string, number>;
  const percent = ((metrics.accuracy ?? 0) * 100).toFixed(1);
  const model = join(folder, "results", metricsPath, "..");
  say(`
Trained on ${metrics.ranks} ranks of 2 nodes: ${percent} % of the held-out digits are read right.
  model and metrics   ${model}
  std out, std err    ${resolve(model, "../../stdouterr")}
  checkpoints         ${resolve(model, "../../checkpoints")}
  the job as sent     ${folder}/job.json
  daemons' logs       ${folder}/logs

To look further, ${keeps ? "" : "run it again as  npm run quickstart -- --keep  and "}in another terminal, as it will say:
  stoker job show ${job.join(" ")}      stoker job logs ${job.join(" ")} --rank 0
  stoker node list                      stoker run -w quickstart -c here -N 2 -- hostname
Delete ${folder} when you are done.`);
  return (metrics.accuracy ?? 0) >= 0.95 ? 0 : 1;
}

async function keep(site: LocalSite): Promise<void> {
  say("\nIt stays up until Ctrl-C. In another terminal:");
  for (const [name, value] of Object.entries(site.environment)) say(`  export ${name}=${value}`);
  say(`  alias stoker=${join(root, "dist/stoker.js")}`);
  await interrupted;
}

/** The job would outlive its agents, as jobs do. Its end ends what follows it. */
async function giveUp(site: LocalSite, training: Promise<number>): Promise<void> {
  say("\nInterrupted: terminating the job");
  await site.run(["job", "terminate", ...job, "--yes"]);
  await training.catch((error: unknown) => say(String(error)));
}
