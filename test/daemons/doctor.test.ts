import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { builtPrograms, LocalSite } from "../../scripts/site/local-site.js";
import { bareEnvironment } from "../../scripts/site/processes.js";

let folder: string;
let site: LocalSite;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stoker-doctor-"));
  site = await LocalSite.start({ folder, nodes: ["n1", "n2"], agentFlags: ["--cpus", "2"] });
}, 60_000);

afterAll(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

// Not waited for in one piece: it may take half a minute, in which the test's own process must go on.
const run = (program: string, ...words: string[]) =>
  new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) => {
    const env = { ...bareEnvironment(), ...site.environment, XDG_CONFIG_HOME: join(folder, "config") };
    const child = execFile(
      process.execPath,
      [join(builtPrograms, program), ...words],
      { env, timeout: 90_000 },
      (_, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }),
    );
  });

interface Report {
  node: string;
  findings: Array<{ check: string; verdict: string; sentence: string; remedy?: string }>;
}

test("each node looks at itself when a user asks, and tells what the coordinator alone could not see", async () => {
  const { stdout, stderr } = await run("stoker.js", "doctor", "-o", "json");
  expect(stderr).toBe("");
  const reports = JSON.parse(stdout) as Report[];
  expect(reports.map(({ node }) => node).sort()).toEqual(["n1", "n2"]);
  for (const { findings } of reports) {
    expect(findings).toContainEqual({
      check: "clock",
      verdict: "ok",
      sentence: "the clock agrees with the coordinator's",
    });
    expect(findings.find(({ check }) => check === "ports")).toMatchObject({ verdict: "ok" });
    expect(findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining(["driver", "NFS", "MPI", "cgroups", "disk"]),
    );
    for (const { verdict, remedy } of findings) expect(remedy === undefined).toBe(verdict === "ok");
  }
}, 120_000);

test("a machine looks at itself without a coordinator that answers, and ends with 1", async () => {
  const words = ["doctor", "--coordinator", "127.0.0.1:1", "--data-dir", folder];
  const { status, stdout } = await run("stoker-agent.js", ...words);
  expect(stdout).toMatch(/^fail {2}ports .*can't be reached at 127\.0\.0\.1:1: .*ECONNREFUSED/m);
  expect(stdout).toMatch(/^ok {4}driver /m);
  expect(status).toBe(1);
}, 120_000);

test("and compares its clock with the coordinator's before it has joined any", async () => {
  const { stdout } = await run("stoker-agent.js", "doctor", "--coordinator", site.address, "--data-dir", folder);
  expect(stdout).toMatch(/^ok {4}clock +the clock agrees with the coordinator's$/m);
}, 120_000);

test("the coordinator's machine does, too", async () => {
  const { stdout } = await run(
    "stoker-coordinator.js",
    "doctor",
    "--data-dir",
    folder,
    "--listen",
    "127.0.0.1:1",
    "-o",
    "json",
  );
  const told = JSON.parse(stdout) as Report["findings"];
  expect(told).toContainEqual(expect.objectContaining({ check: "port", verdict: "fail" }));
  expect(told).toContainEqual(expect.objectContaining({ check: "NATS", verdict: "ok" }));
}, 120_000);
