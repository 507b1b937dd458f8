import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { LocalSite } from "../../scripts/site/local-site.js";
import { SmallDisk } from "../fakes/small-disk.js";

test("a job's storage that is full costs its files there, which people are told, and neither the outcome nor the log", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stoker-storage-"));
  const site = await LocalSite.start({ folder, nodes: ["n1"] });
  onTestFinished(async () => {
    await site.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const disk = await SmallDisk.make(4 * 2 ** 20);
  await site.stoker(["workspace", "create", "-n", "lab"]);
  await site.stoker(["cluster", "create", "-w", "lab", "-n", "all", "-s", "any", "-t", "1"]);
  await site.stoker(["experiment", "create", "-w", "lab", "-n", "first"]);
  const body = join(folder, "job.json");
  const commandLine = "head -c 8388608 /dev/zero | tr '\\\\0' x";
  writeFileSync(
    body,
    JSON.stringify({ nodeCount: 1, stdOutErrPathPrefix: disk.dir, customToolkitSettings: { commandLine } }),
  );
  const job = ["-w", "lab", "-e", "first", "-n", "j"];
  await site.stoker(["job", "create", ...job, "-c", "all", "-f", body]);
  expect((await site.run(["job", "wait", ...job])).code).toBe(0);
  const shown = await site.stoker(["job", "show", ...job]);
  expect(shown).toMatch(/^State: +succeeded$/m);
  expect(shown).toMatch(/^Warning of n1: .*`stoker job logs` has them.*stdout\.txt: No space left on device/m);
  expect((await site.stoker(["job", "logs", ...job])).length).toBe(8_388_608);
}, 120_000);
