import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../../scripts/site/processes.js";
import { ExecutionState } from "../../shared/gen/stoker/v1/job_pb.js";
import { GpuSite, type Victim } from "../gpu-faults/fault-site.js";
import { gpuFaults, nodeFaults } from "../gpu-faults/faults.js";
import { inject, stateOf } from "../gpu-faults/inject.js";

let site: GpuSite;
let victims: Victim[] = [];
/** On the same machines as those that something befalls. */
let neighbours: Victim[] = [];

beforeAll(async () => {
  site = await GpuSite.start(6);
  const names = Array.from({ length: 24 }, (_, at) => `job${at + 1}`);
  const all = await site.submit(names);
  victims = all.slice(0, gpuFaults.length);
  neighbours = all.slice(gpuFaults.length);
}, 180_000);

afterAll(async () => {
  await site?.stop();
}, 60_000);

const undisturbed = async (these: readonly Victim[]) => {
  for (const { job } of these) {
    const { attempt, executionState } = await site.job(job);
    expect({ job, attempt, executionState }).toEqual({ job, attempt: 1, executionState: ExecutionState.RUNNING });
  }
};

it("twenty faults: each GPU leaves the scheduling, its job ends with the cause and runs elsewhere, and nobody else notices", async () => {
  await Promise.all(
    gpuFaults.map(async (fault, at) => {
      const victim = victims[at];
      if (!victim) throw new Error("there are too few jobs");
      await inject(site, fault, victim);
      const node = await site.node(victim.node);
      const told = node.gpuFaults.find(({ uuid }) => uuid === victim.uuid);
      if (fault.becomes === "healthy") {
        const job = await until(
          "it ends",
          async () => {
            const now = await site.job(victim.job);
            return now.executionState === ExecutionState.FAILED ? now : undefined;
          },
          60_000,
        );
        expect(job.attempt).toBe(1);
        const details = job.executionInfo?.errors[0]?.details.map(({ name, value }) => `${name}: ${value}`).join("\n");
        expect(details).toMatch(fault.sentence);
        expect(details).toContain("faultClass: user");
        expect(told).toBeUndefined();
        return;
      }
      expect(told).toMatchObject({
        state: fault.becomes,
        rule: fault.rule,
        message: expect.stringMatching(fault.sentence),
      });
      expect(told?.message).toMatch(new RegExp(`^GPU \\d \\(${victim.uuid}\\)`));
      const { attempt, attempts } = await site.job(victim.job);
      expect({ fault: fault.name, attempt }).toEqual({
        fault: fault.name,
        attempt: fault.becomes === "failed" ? 2 : 1,
      });
      if (fault.becomes !== "failed") return;
      // No retries were asked for: it has used up none.
      expect(attempts[0]).toMatchObject({ state: "failed", reason: expect.stringMatching(fault.sentence) });
      expect(attempts[0]?.reason).toContain(`on node ${victim.node}: GPU `);
      const next = attempts[1]?.nodes[0];
      // The machines are recorded alike, to their UUIDs.
      expect(`${next?.name} ${next?.gpuUuids[0]}`).not.toBe(`${victim.node} ${victim.uuid}`);
    }),
  );
  await undisturbed(neighbours);
  for (const { node, uuid } of neighbours) expect(stateOf(await site.node(node), uuid)).toBe("healthy");
}, 240_000);

it("a GPU that is there again serves after a test that it passes; and an operator's test tells what it could not do", async () => {
  const at = gpuFaults.findIndex(({ rule }) => rule === "missing");
  const { node = "", uuid = "" } = victims[at] ?? {};
  const index = (await site.node(node)).gpuHealth.find((gpu) => gpu.uuid === uuid)?.index ?? -1;
  site.smi(node).gpu(index, {});
  const back = async () => stateOf(await site.node(node), uuid) === "healthy" || undefined;
  await until("it is healthy again", back, 90_000);
  const { tests, gpuHealth } = await site.node(node);
  expect(tests[0]).toMatchObject({ purpose: "return", state: "passed", gpuUuids: [uuid] });
  expect(gpuHealth.find((gpu) => gpu.uuid === uuid)?.penalty).toBe(16);
  await site.terminate(victims.filter((_, at) => gpuFaults[at]?.becomes !== "healthy").map(({ job }) => job));
  // One whose GPU 0 is as it should be: those of most victims are not, and fail the test.
  const idle = async () =>
    [...(await site.list()).values()].find(
      ({ allocations, gpuHealth }) =>
        allocations.length === 0 && gpuHealth.some((gpu) => gpu.index === 0 && gpu.state === "healthy"),
    )?.name;
  const name = await until("a node that nobody uses", idle, 60_000);
  // Refused while the node tests another of its GPUs that is there again.
  const tested = async () => {
    const ran = await site.local.run(["node", "test", name, "--gpu", "0", "--quick", "--wait"]);
    return /is being tested/.test(ran.stderr) ? undefined : ran;
  };
  const { code, stdout, stderr } = await until("its test", tested, 120_000);
  expect(code, `${stdout}${stderr}`).toBe(0);
  expect(stdout).toMatch(/passed: memory: 64 MiB of the machine's memory hold four patterns/);
  expect(stdout).toMatch(/skipped: cuda of GPU-.*: there is no libcuda.so.1/);
}, 300_000);

it("and of whole machines: nothing new begins there, with the reason", async () => {
  const nodes = [...new Set(neighbours.map(({ node }) => node))];
  const more = await site.submit(["more1", "more2", "more3"]);
  const busy = [...new Set([...nodes, ...more.map(({ node }) => node), ...site.nodes])];
  await Promise.all(
    nodeFaults.map(async (fault, at) => {
      const name = busy[at] ?? "";
      const here = [...neighbours, ...more].filter(({ node }) => node === name);
      if (fault.scene) site.smi(name).change(fault.scene);
      if (fault.kernel) site.kernelSays(name, fault.kernel);
      const node = await until(
        `${fault.name}: ${name} takes nothing new`,
        async () => {
          const now = await site.node(name);
          return fault.sentence.test(now.reason) ? now : undefined;
        },
        60_000,
      );
      expect(node.failures.some(({ gpuUuid, message }) => gpuUuid === "" && fault.sentence.test(message))).toBe(true);
      if (!fault.endsJobs) await undisturbed(here);
      for (const { job } of fault.endsJobs ? here : []) {
        await until(`${job} runs elsewhere`, () => site.starts(job)[1], 60_000);
      }
    }),
  );
}, 240_000);
