import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LocalSite } from "../../scripts/site/local-site.js";
import { until } from "../fakes/until.js";

const patienceMs = 60_000;

let folder: string;
let site: LocalSite | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stoker-secret-job-"));
});
afterEach(async () => {
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

describe("from the command line to the process", { timeout: 180_000 }, () => {
  it("a machine class by its alias, a secret by its name, a quota, and the end of a workspace", async () => {
    const of = await LocalSite.start({ folder, nodes: ["n1"], agentFlags: ["--cpus", "2"] });
    site = of;
    await of.stoker(["workspace", "create", "-n", "lab", "--tag", "team=vision"]);
    await of.stoker(["workspace", "update", "-n", "lab", "--tag", "cost=7"]);
    expect(await of.stoker(["workspace", "show", "-n", "lab"])).toMatch(/^Tags: +team=vision cost=7$/m);
    await of.stoker(["experiment", "create", "-w", "lab", "-n", "e"]);
    await of.stoker(["experiment", "create", "-w", "lab", "-n", "e"]);

    // A real file's words for the machine and its image.
    const image = { publisher: "Canonical", offer: "UbuntuServer", sku: "16.04-LTS", version: "latest" };
    const cluster = {
      properties: {
        vmSize: "STANDARD_NC6",
        virtualMachineConfiguration: { imageReference: image },
        scaleSettings: { manual: { targetNodeCount: 1 } },
      },
    };
    await of.stoker(["cluster", "create", "-w", "lab", "-n", "c", "-f", write("cluster.json", cluster)]);
    const classes = JSON.parse(await of.stoker(["node", "class", "list", "-o", "json"])) as Array<{ name: string }>;
    const [machineClass = { name: "" }] = classes;
    expect(await of.stoker(["cluster", "show", "-w", "lab", "-n", "c"])).toContain(
      `stoker node class map STANDARD_NC6 ${machineClass.name}`,
    );
    await of.stoker(["node", "class", "map", "Standard_NC6", machineClass.name]);

    await of.stoker(["secret", "set", "-w", "lab", "api-key", "--from-file", write("value", "p4ssw0rd$HOME\n")]);
    await of.stoker(["workspace", "quota", "set", "-n", "lab", "--running-jobs", "1"]);
    const vault = { sourceVault: { id: "/subscriptions/s/v" }, secretUrl: "https://v.vault.azure.net/secrets/api-key" };
    const seen = join(folder, "seen");
    const commandLine = `printf %s "$KEY" > ${seen}; until [ -e ${folder}/go-on ]; do sleep 0.05; done`;
    const job = {
      properties: {
        nodeCount: 1,
        resources: { cpus: 1 },
        secrets: [{ name: "KEY", valueSecretReference: vault }],
        customToolkitSettings: { commandLine },
      },
    };
    const where = ["-w", "lab", "-e", "e"];
    const file = write("job.json", job);
    for (const name of ["first", "second"])
      await of.stoker(["job", "create", ...where, "-n", name, "-c", "c", "-f", file]);
    await until(
      "it has its secret",
      () => (existsSync(seen) && readFileSync(seen, "utf8") ? true : undefined),
      patienceMs,
    );
    expect(readFileSync(seen, "utf8")).toBe("p4ssw0rd$HOME");
    expect(await of.stoker(["job", "explain", ...where, "-n", "second"])).toContain(
      "workspace lab has 1 running job, of 1 that its quota allows",
    );
    expect(await of.stoker(["workspace", "usage", "-n", "lab"])).toMatch(/^Running jobs +1 +1$/m);
    const shown = await of.stoker(["job", "list", ...where, "-o", "json"]);
    expect(shown + (await of.stoker(["secret", "list", "-w", "lab", "-o", "json"]))).not.toContain("p4ssw0rd");

    await of.stoker(["workspace", "delete", "-n", "lab", "-y"]);
    expect(await of.run(["workspace", "show", "-n", "lab"])).toMatchObject({ code: 4 });
    const nodes = JSON.parse(await of.stoker(["node", "list", "-o", "json"])) as Array<Record<string, unknown>>;
    expect(nodes[0]).toMatchObject({ state: "free", allocations: [] });
  });
});
