import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { builtPrograms, LocalSite } from "../../scripts/site/local-site.js";
import { until } from "../../scripts/site/processes.js";
import { PreviousRelease } from "./previous-release.js";

const patienceMs = 60_000;
const present = JSON.parse(readFileSync(join(builtPrograms, "../package.json"), "utf8")).version as string;
const job = ["-w", "w", "-e", "e", "-n", "j"];

let previous: PreviousRelease;
let folder: string;
let site: LocalSite | undefined;

beforeAll(() => {
  previous = PreviousRelease.unpack();
}, 180_000);
afterAll(() => previous[Symbol.dispose]());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stoker-upgrade-"));
});
afterEach(async () => {
  await site?.stop();
  site = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** A site whose one node runs the job: a line each time that it is asked for one, its end when told. */
async function siteWithJob(programs: string, agentPrograms = programs): Promise<LocalSite> {
  const started = await LocalSite.start({ folder, nodes: [], agentFlags: ["--cpus", "2"], programs, tls: "off" });
  site = started;
  started.startAgent("n1", agentPrograms);
  await started.stoker(["workspace", "create", "-n", "w"]);
  await started.stoker(["experiment", "create", "-n", "e", "-w", "w"]);
  const cluster = { properties: { vmSize: "any", scaleSettings: { manual: { targetNodeCount: 1 } } } };
  writeFileSync(join(folder, "cluster.json"), JSON.stringify(cluster));
  await started.stoker(["cluster", "create", "-n", "c", "-w", "w", "-f", join(folder, "cluster.json")]);
  const commandLine = [
    `echo $$ >> ${folder}/pids`,
    "n=0",
    `until [ -e ${folder}/end ]; do while [ -e ${folder}/line-$((n+1)) ]; do n=$((n+1)); echo line $n; done; sleep 0.02; done`,
    "echo the end",
  ].join("; ");
  writeFileSync(
    join(folder, "job.json"),
    JSON.stringify({ properties: { nodeCount: 1, customToolkitSettings: { commandLine } } }),
  );
  await started.stoker(["job", "create", ...job, "-c", "c", "-f", join(folder, "job.json")]);
  await until("the job's process", () => existsSync(join(folder, "pids")) || undefined, patienceMs);
  return started;
}

/** The job says one more line, which is read by the command line of `programs`. */
async function line(of: LocalSite, number: number, programs?: string): Promise<void> {
  writeFileSync(join(folder, `line-${number}`), "");
  await until(
    `line ${number}`,
    async () => (await logs(of, programs)).endsWith(`line ${number}\n`) || undefined,
    patienceMs,
  );
}

const logs = async (of: LocalSite, programs?: string) =>
  (await of.run(["job", "logs", ...job, "--rank", "0"], false, programs)).stdout;

/** The node's agent is of that version, and speaks to the coordinator that now runs. */
async function heard(of: LocalSite, version: string, programs?: string): Promise<void> {
  const connected = async () => {
    const [node] = JSON.parse(await of.stoker(["node", "list", "-o", "json"], programs)) as Array<
      Record<string, unknown>
    >;
    return (node?.agentVersion === version && /^(running|idle)$/.test(String(node.state))) || undefined;
  };
  await until(`an agent ${version} is connected`, connected, patienceMs);
}

/** It ended as it should, in its first attempt and its only process, with every byte. */
async function endsWell(of: LocalSite, lines: number, programs?: string): Promise<void> {
  writeFileSync(join(folder, "end"), "");
  const waited = await of.run(["job", "wait", ...job], false, programs);
  expect(waited).toMatchObject({ code: 0 });
  const all = Array.from({ length: lines }, (_, at) => `line ${at + 1}\n`).join("");
  expect(await logs(of, programs)).toBe(`${all}the end\n`);
  expect(readFileSync(join(folder, "pids"), "utf8").trim().split("\n")).toHaveLength(1);
  const shown: unknown = JSON.parse(await of.stoker(["job", "show", ...job, "-o", "json"], programs));
  expect(shown).toMatchObject({ executionState: "succeeded", attempts: [{ number: 1, state: "succeeded" }] });
}

describe("a running job of the previous release", { timeout: 180_000 }, () => {
  it("goes on under the new coordinator, then under the new agent", async () => {
    const of = await siteWithJob(previous.programs);
    await line(of, 1);
    await of.stopCoordinator();
    await of.startCoordinator(builtPrograms);
    await heard(of, previous.version);
    const { stdout: seen } = await of.run(["doctor"], false, builtPrograms);
    expect(seen).toContain(`the agent of node n1 (version ${previous.version}) can't look at its machine`);
    await line(of, 2);
    // The site's own command line is the old one.
    await line(of, 3, builtPrograms);
    await of.stopAgent("n1", "SIGKILL");
    of.startAgent("n1", builtPrograms);
    await heard(of, present);
    await line(of, 4);
    await endsWell(of, 4);
  });

  it("goes on while its site goes over to certificates", async () => {
    const of = await siteWithJob(previous.programs);
    await line(of, 1);
    await of.stopCoordinator();
    of.tls = "migrate";
    await of.startCoordinator(builtPrograms);
    // The old agent, by the shared token.
    await heard(of, previous.version);
    await line(of, 2, builtPrograms);
    // By a new program, while the old agent still runs.
    await of.join("n1", builtPrograms);
    await of.stopAgent("n1");
    of.startAgent("n1", builtPrograms);
    await heard(of, present, builtPrograms);
    await line(of, 3, builtPrograms);
    await of.stopCoordinator();
    of.tls = "on";
    // The site's own command line is the old one, which is not let in any more.
    await of.startCoordinator(builtPrograms, builtPrograms);
    await heard(of, present, builtPrograms);
    await line(of, 4, builtPrograms);
    await endsWell(of, 4, builtPrograms);
  });

  it("goes on under a new agent that an old coordinator has", async () => {
    const of = await siteWithJob(previous.programs);
    await line(of, 1);
    await of.stopAgent("n1");
    of.startAgent("n1", builtPrograms);
    await heard(of, present);
    await line(of, 2);
    await endsWell(of, 2);
  });

  it("is started, followed and ended by an old agent and an old command line at a new coordinator", async () => {
    const of = await siteWithJob(builtPrograms, previous.programs);
    await line(of, 1, previous.programs);
    await of.stopCoordinator("SIGKILL");
    await of.startCoordinator(builtPrograms);
    await line(of, 2, previous.programs);
    await endsWell(of, 2, previous.programs);
  });
});
