import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { toJsonString } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ListJobsResponseSchema } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { ListSecretsResponseSchema, SecretService } from "../../shared/gen/stoker/v1/secret_service_pb.js";
import { FakeAgent } from "../fakes/agent.js";
import { CoordinatorProcess, inExperiment, tinyJob } from "../fakes/coordinator-process.js";

const program = resolve(import.meta.dirname, "../../dist/stoker-coordinator.js");
const hidden = "PLAINTEXT-of-the-store";
const inJob = "PLAINTEXT-of-the-job";

let coordinator: CoordinatorProcess;
let agents: FakeAgent[];
let said: string;
beforeEach(async () => {
  coordinator = new CoordinatorProcess();
  agents = [];
  said = "";
  await coordinator.start();
  await coordinator.furnish();
});
afterEach(async () => {
  for (const agent of agents) agent.close();
  await coordinator.dispose();
});

const parent = "workspaces/w";
const secrets = () => coordinator.client(SecretService);

async function enrolled(): Promise<FakeAgent> {
  const agent = new FakeAgent(coordinator.address, coordinator.token);
  agents.push(agent);
  agent.hello("n1");
  await agent.hears("welcome");
  return agent;
}

const secretJob = {
  ...tinyJob(),
  secrets: [
    { name: "FROM_STORE", valueSecretReference: { secretUrl: "https://v.vault.azure.net/secrets/key/1" } },
    { name: "PLAIN", value: inJob },
  ],
};
const granted = [
  { name: "FROM_STORE", value: hidden },
  { name: "PLAIN", value: inJob },
];

/** Every file of the data folder, as bytes: the database, its log, tokens, logs, NATS. */
function onDisk(folder = coordinator.dataDir): string {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
  expect(names.some((name) => name.endsWith("catalog.db"))).toBe(true);
  const files = names.filter((name) => statSync(name, { throwIfNoEntry: false })?.isFile());
  return files.map((name) => readFileSync(name, "latin1")).join("\n");
}

async function restart(signal: NodeJS.Signals): Promise<void> {
  await coordinator.end(signal);
  said += coordinator.output;
  await coordinator.start();
}

const command = (...words: string[]) =>
  spawnSync(process.execPath, [program, ...words, "--config", "/dev/null", "--data-dir", coordinator.dataDir], {
    encoding: "utf8",
  });

describe("a secret", () => {
  it("reaches the agent with the grant, also after a kill -9, and is nowhere else: no answer, no log, no file", async () => {
    await secrets().setSecret({ parent, name: "key", value: hidden });
    const first = await enrolled();
    const { job } = await coordinator.jobs.createJob({ ...inExperiment, name: "j", spec: secretJob });
    expect(await first.hears("grant")).toMatchObject({ secrets: granted });
    expect(onDisk()).not.toContain("PLAINTEXT");
    await restart("SIGKILL");
    // It has forgotten the grant: it is told once more.
    const again = await enrolled();
    expect(await again.hears("grant")).toMatchObject({ secrets: granted });
    const listed = await secrets().listSecrets({ parent });
    expect(listed.secrets.map(({ id }) => id)).toEqual(["workspaces/w/secrets/key"]);
    const jobs = await coordinator.jobs.listJobs(inExperiment);
    const shown = toJsonString(ListJobsResponseSchema, jobs) + toJsonString(ListSecretsResponseSchema, listed);
    expect(shown).not.toContain("PLAINTEXT");
    expect(jobs.jobs[0]?.spec?.secrets[0]?.valueSecretReference?.secretUrl).toMatch(/vault/);
    await secrets().setSecret({ parent, name: "key", value: `${hidden}-changed` });
    await secrets().deleteSecret({ id: "workspaces/w/secrets/key" });
    await coordinator.jobs.deleteJob({ id: job?.id ?? "" });
    const refused = coordinator.jobs.createJob({ ...inExperiment, name: "k", spec: secretJob });
    await expect(refused).rejects.toThrow(/`stoker secret set -w w key`/);
    await restart("SIGTERM");
    expect(onDisk()).not.toContain("PLAINTEXT");
    expect(said + coordinator.output).not.toContain("PLAINTEXT");
  });

  it("is sealed with another key by rotate-key, and can't be had without the key", async () => {
    await secrets().setSecret({ parent, name: "key", value: hidden });
    await coordinator.jobs.createJob({ ...inExperiment, name: "j", spec: secretJob });
    expect(command("rotate-key").stderr).toMatch(/another coordinator runs/);
    const wrong = spawnSync(process.execPath, [
      program,
      "rotate-key",
      "--config",
      "/dev/null",
      "--data-dir",
      "/nowhere",
    ]);
    expect([wrong.status, String(wrong.stderr)]).toEqual([2, expect.stringContaining("/nowhere has no catalog.db")]);
    await coordinator.end("SIGTERM");
    const keyFile = join(coordinator.dataDir, "secret-key");
    const before = readFileSync(keyFile, "utf8");
    expect(command("rotate-key").stdout).toMatch(/sealed with the new key [0-9a-f]{16}/);
    expect(readFileSync(keyFile, "utf8")).not.toContain(before.trim());
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    renameSync(keyFile, `${keyFile}.away`);
    expect(await coordinator.start()).toBe(78);
    expect(coordinator.output).toMatch(/put the key file of this catalog where --secret-key-file says/);
    renameSync(`${keyFile}.away`, keyFile);
    expect(await coordinator.start()).toBe("ready");
    const agent = await enrolled();
    expect(await agent.hears("grant")).toMatchObject({ secrets: granted });
  });

  it("is sealed in a backup, which says that the key is not in it", async () => {
    await secrets().setSecret({ parent, name: "key", value: hidden });
    const [copy, elsewhere] = [`${coordinator.dataDir}-copy`, `${coordinator.dataDir}-elsewhere`];
    try {
      const made = command("backup", copy);
      expect(made.stdout).toMatch(/sealed with key [0-9a-f]{16} of .*secret-key, which is not in the backup/);
      expect(readdirSync(copy)).not.toContain("secret-key");
      expect(onDisk(copy)).not.toContain("PLAINTEXT");
      const words = ["restore", copy, "--config", "/dev/null", "--data-dir", elsewhere];
      const restored = execFileSync(process.execPath, [program, ...words], { encoding: "utf8" });
      expect(restored).toMatch(/put the key file that was kept beside the backup to .*elsewhere\/secret-key/);
    } finally {
      for (const folder of [copy, elsewhere]) rmSync(folder, { recursive: true, force: true });
    }
  });
});
