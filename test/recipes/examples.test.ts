import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { toolkits } from "../../coordinator/core/toolkits/index.js";
import { filesIn, Ground, textOf } from "./ground.js";

/** The example of each toolkit, as its README says it. Frameworks that Debian lacks are stand-ins, and their scripts are only compiled. */
const examples = resolve(import.meta.dirname, "../../examples");
let ground: Ground;
beforeAll(async () => {
  ground = await Ground.make(["m1", "m2"]);
  cpSync(examples, join(ground.folder, "export/examples"), { recursive: true });
  for (const name of Object.keys(wanted)) await ground.submit(name, join(examples, name, "job.json"), "nc6");
}, 60_000);
afterAll(() => ground?.stop(), 60_000);

/** Of stand-ins: `program` and how often; of real programs: a file of the output directory and what it says. */
const wanted: Record<string, { calls?: [string, number]; wrote?: [string, RegExp] }> = {
  caffe: { calls: ["caffe", 1] },
  caffe2: { calls: ["python", 2] },
  chainer: { calls: ["python", 2] },
  cntk: { calls: ["cntk", 2] },
  custom: { wrote: ["nodes.txt", /^m1 has 4 GPUs\nm2 has 4 GPUs\n$/] },
  "custom-mpi": { wrote: ["pi.txt", /^3\.141593\n$/] },
  horovod: { calls: ["python", 4] },
  pytorch: { wrote: ["slope.txt", /^(3\.000|2\.99\d)\n$/] },
  tensorflow: { calls: ["python", 3] },
};

test("there is one for each toolkit", () => {
  const blocks = Object.keys(wanted).map((name) => {
    const { properties } = JSON.parse(textOf(join(examples, name, "job.json"))) as { properties: object };
    return Object.keys(properties).find((key) => key.endsWith("Settings"));
  });
  expect(blocks.sort()).toEqual(Object.keys(toolkits).sort());
});

test.each(Object.entries(wanted))(
  "%s",
  async (name, { calls, wrote }) => {
    const { code, stderr } = await ground.wait(name);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { jobOutputDirectoryPathSegment } = await ground.show(name);
    const output = join(ground.folder, "export", jobOutputDirectoryPathSegment);
    if (calls) {
      const programs = ground.standIns.calls(name).map(({ program }) => program);
      expect(programs).toEqual(Array<string>(calls[1]).fill(calls[0]));
    }
    if (wrote) expect(textOf(join(output, "outputs/models", wrote[0]))).toMatch(wrote[1]);
    expect(filesIn(join(output, "stdouterr")).length).toBeGreaterThan(2);
    for (const script of filesIn(join(examples, name)).filter((file) => file.endsWith(".py"))) {
      const check = "import ast, sys; ast.parse(open(sys.argv[1]).read())";
      const { stderr: complaint } = spawnSync("/usr/bin/python3", ["-c", check, join(examples, name, script)]);
      expect(complaint.toString()).toBe("");
    }
  },
  60_000,
);

test("the Caffe example's preparation put the job's output directory into the solver", () => {
  const solver = textOf(join(ground.folder, "export/examples/caffe/solver.prototxt"));
  expect(solver).toMatch(/snapshot_prefix: "\/.*\/outputs\/models\/net"/);
});
