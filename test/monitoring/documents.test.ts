import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { agentText, agentView, coordinatorText, coordinatorView, exampleWorld } from "./example.js";
import { readExposition, type Told } from "./exposition.js";
import { programOf } from "./programs.js";

const folder = resolve(import.meta.dirname, "../../docs/monitoring");
const read = (name: string) => readFileSync(join(folder, name), "utf8");
let coordinator: Map<string, Told>;
let agent: Map<string, Told>;

beforeAll(async () => {
  coordinator = readExposition(await coordinatorText(coordinatorView(exampleWorld())));
  agent = readExposition(await agentText(agentView()));
});

const promtool = (words: string[], input = "") =>
  spawnSync(programOf("promtool"), words, { cwd: folder, input, encoding: "utf8" });

/** The table below a heading, by metric. */
function tableOf(heading: string) {
  const text = read("README.md").split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...text.matchAll(/^\| `(\w+)` +\| (\w+) +\| (.*?) +\| (.*?) +\|$/gm)].map(
    ([, name = "", type, labels = "", help]) => ({ name, type, help, labels: labels.match(/\w+/g) ?? [] }),
  );
}

it("the tables name every metric with its type, labels and meaning, and no other", () => {
  const ours = (families: Map<string, Told>) => [...families].filter(([name]) => name.startsWith("stoker_"));
  const both = [...coordinator].filter(([name]) => !name.startsWith("stoker_"));
  for (const [heading, families] of [
    ["Coordinator", ours(coordinator)],
    ["Agent", ours(agent)],
    ["Both", both],
  ] as const) {
    const rows = tableOf(heading);
    expect(rows.map(({ name }) => name).sort()).toEqual(families.map(([name]) => name).sort());
    for (const [name, { type, help, samples }] of families) {
      const row = rows.find((each) => each.name === name);
      expect(row).toMatchObject({ name, type, help });
      const used = new Set(samples.flatMap(({ labels }) => Object.keys(labels)));
      used.delete("le");
      // Of the process, some labels come and go.
      if (heading === "Both") expect(row?.labels).toEqual(expect.arrayContaining([...used]));
      else expect(row?.labels.sort()).toEqual([...used].sort());
    }
  }
  expect([...agent.keys()]).toEqual(expect.arrayContaining(both.map(([name]) => name)));
});

/** Every metric that a rule or a panel asks for. */
function asked(text: string): string[] {
  const names = text.match(/\b(?:stoker|nodejs|process)_[a-z0-9_]+/g) ?? [];
  return [...new Set(names.map((name) => name.replace(/(_seconds)_(bucket|sum|count)$/, "$1")))];
}

it("alerts and dashboard ask for metrics that there are", () => {
  const known = new Set([...coordinator.keys(), ...agent.keys()]);
  const expressions = [...read("alerts.yml").matchAll(/^ +expr: (.+)$/gm)].map(([, text = ""]) => text);
  expect(expressions.length).toBeGreaterThan(10);
  const dashboard = JSON.parse(read("grafana-dashboard.json")) as {
    panels: Array<{ id: number; title: string; targets: Array<{ expr: string }> }>;
    templating: { list: Array<{ query: string }> };
  };
  expect(dashboard.panels.length).toBeGreaterThan(10);
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  const panels = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const variables = dashboard.templating.list.map(({ query }) => query);
  for (const text of [...expressions, ...panels])
    expect(asked(text).length + Number(text.startsWith("up"))).toBeGreaterThan(0);
  expect(asked([...expressions, ...panels, ...variables].join("\n")).filter((name) => !known.has(name))).toEqual([]);
});

it("the rules are rules, and fire when they should", () => {
  const names = [...read("alerts.yml").matchAll(/alert: (\w+)/g)].map(([, name]) => name);
  const tested = [...read("alerts.test.yml").matchAll(/alertname: (\w+)/g)].map(([, name]) => name);
  expect(names.filter((name) => !tested.includes(name))).toEqual([]);
  const checked = promtool(["check", "rules", "alerts.yml"]);
  expect(checked).toMatchObject({ status: 0, stdout: expect.stringContaining(`${names.length} rules found`) });
  const fired = promtool(["test", "rules", "alerts.test.yml"]);
  expect(`${fired.status} ${fired.stderr}`).toMatch(/^0 /);
});

it("promtool finds nothing to say against the metrics of either", async () => {
  for (const text of [await coordinatorText(coordinatorView(exampleWorld())), await agentText(agentView())]) {
    const { status, stdout, stderr } = promtool(["check", "metrics"], text);
    expect(`${status} ${stdout}${stderr}`).toBe("0 ");
  }
});

it("promtool would find something", () => {
  const bad = "# TYPE stoker_things gauge\nstoker_things_total 1\n";
  expect(promtool(["check", "metrics"], bad).status).not.toBe(0);
});
