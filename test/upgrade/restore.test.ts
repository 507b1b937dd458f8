import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { builtPrograms, LocalSite } from "../../scripts/site/local-site.js";
import { until } from "../../scripts/site/processes.js";

const patienceMs = 60_000;

let folder: string;
let site: LocalSite | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stoker-restore-"));
});
afterEach(async () => {
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const coordinator = (...words: string[]) =>
  spawnSync(process.execPath, [join(builtPrograms, "stoker-coordinator.js"), "--config", "/dev/null", ...words], {
    encoding: "utf8",
    timeout: 60_000,
  });

async function submit(of: LocalSite, name: string, commandLine: string): Promise<void> {
  writeFileSync(
    join(folder, `${name}.json`),
    JSON.stringify({ properties: { nodeCount: 1, customToolkitSettings: { commandLine } } }),
  );
  const where = ["-w", "w", "-e", "e", "-n", name];
  await of.stoker(["job", "create", ...where, "-c", "c", "-f", join(folder, `${name}.json`)]);
}

interface Shown {
  executionState: string;
  attempts?: Array<{ number: number; state: string }>;
}

const show = async (of: LocalSite, name: string) =>
  JSON.parse(await of.stoker(["job", "show", "-w", "w", "-e", "e", "-n", name, "-o", "json"])) as Shown;

/** Writes attempt and process number, and stays. */
const stay = (name: string) =>
  `echo "$STOKER_ATTEMPT $$" >> ${folder}/${name}; echo it runs; until [ -e ${folder}/end-${name} ]; do sleep 0.05; done`;

const marks = (name: string) =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8").trim().split("\n") : [];

describe("a backup of a running coordinator, restored in its place", { timeout: 240_000 }, () => {
  it("goes on with what runs, ends what it does not know, and is not left for the original", async () => {
    const of = await LocalSite.start({ folder, nodes: ["n1", "n2"], agentFlags: ["--cpus", "1"] });
    site = of;
    await of.stoker(["workspace", "create", "-n", "w"]);
    await of.stoker(["experiment", "create", "-n", "e", "-w", "w"]);
    const cluster = { properties: { vmSize: "any", scaleSettings: { manual: { targetNodeCount: 2 } } } };
    writeFileSync(join(folder, "cluster.json"), JSON.stringify(cluster));
    await of.stoker(["cluster", "create", "-n", "c", "-w", "w", "-f", join(folder, "cluster.json")]);
    await submit(of, "kept", stay("kept"));
    await submit(of, "blocker", stay("blocker"));
    await until("both run", () => (marks("kept").length && marks("blocker").length ? true : undefined), patienceMs);
    await submit(of, "queued", stay("queued"));
    const logged = async () =>
      (await of.stoker(["job", "logs", "-w", "w", "-e", "e", "-n", "kept", "--rank", "0"])).includes("it runs");
    await until("the log is stored", async () => (await logged()) || undefined, patienceMs);

    const copy = join(folder, "copy");
    expect(coordinator("backup", copy, "--data-dir", of.coordinatorFolder)).toMatchObject({ status: 0, stderr: "" });
    expect(readdirSync(copy).sort()).toEqual([
      "catalog.db",
      "link-key",
      "logs",
      "manifest.json",
      "nats",
      "pki",
      "token",
      "witness-secret",
    ]);

    // After the backup one job ends, and another starts.
    writeFileSync(join(folder, "end-blocker"), "");
    await until("the queued job starts", () => (marks("queued").length ? true : undefined), patienceMs);
    await of.stopCoordinator("SIGKILL");
    renameSync(of.coordinatorFolder, join(folder, "original"));
    expect(coordinator("restore", copy, "--data-dir", of.coordinatorFolder)).toMatchObject({ status: 0, stderr: "" });
    await of.startCoordinator();

    await until("the started one is tried anew", () => (marks("queued").length === 2 ? true : undefined), patienceMs);
    const [first, second] = marks("queued").map((line) => Number(line.split(" ")[0]));
    expect(first).toBe(1);
    expect(second).toBeGreaterThan(1_000);
    expect(existsSync(`/proc/${marks("queued")[0]?.split(" ")[1]}`)).toBe(false);
    writeFileSync(join(folder, "end-kept"), "");
    writeFileSync(join(folder, "end-queued"), "");
    for (const name of ["kept", "queued"]) {
      expect(await of.run(["job", "wait", "-w", "w", "-e", "e", "-n", name])).toMatchObject({ code: 0 });
    }
    expect(marks("kept")).toHaveLength(1);
    expect(await show(of, "kept")).toMatchObject({ attempts: [{ number: 1, state: "succeeded" }] });

    // The original comes back at the same place.
    await of.stopCoordinator();
    renameSync(of.coordinatorFolder, join(folder, "restored"));
    renameSync(join(folder, "original"), of.coordinatorFolder);
    await of.startCoordinator();
    const log = (name: string) => readFileSync(join(folder, "logs", `${name}.log`), "utf8");
    await until(
      "it is refused",
      () => /say `stoker-agent --accept-coordinator`|restored from a backup/.test(log("n1")) || undefined,
      patienceMs,
    );
    expect(await of.stoker(["node", "list", "-o", "json"])).not.toContain("lastHeartbeatTime");

    // Unless a person says otherwise.
    const accept = ["--config", "/dev/null", "--data-dir", of.agentFolder("n1"), "--accept-coordinator"];
    const accepted = spawnSync(process.execPath, [join(builtPrograms, "stoker-agent.js"), ...accept], {
      encoding: "utf8",
    });
    expect(accepted).toMatchObject({ status: 0 });
    await until(
      "it is obeyed",
      async () => (await of.stoker(["node", "list", "-o", "json"])).includes("lastHeartbeatTime") || undefined,
      patienceMs,
    );
  });
});
