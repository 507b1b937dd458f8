import { afterEach, expect, it } from "vitest";
import { ExecutionState } from "../../shared/gen/stoker/v1/job_pb.js";
import { canMount } from "../fakes/can-mount.js";
import { OwnerSite } from "./owner-site.js";

let site: OwnerSite | undefined;
afterEach(() => site?.stop());

it.skipIf(!canMount)(
  "an owner who sits down has the machine: the job stops there, and runs on another, which is not reclaimed",
  async () => {
    site = await OwnerSite.start();
    const { run } = await site.sitDown();
    const next = await site.after(run);
    expect(next.node).not.toBe(run.node);
    expect(next.attempt).toBe(run.attempt + 1);
    // The first has said nothing since.
    expect(site.again(run).lastMs).toBeLessThan(next.firstMs);
    const before = (await site.job()).attempts[0];
    expect(before?.nodes[0]?.name).toBe(run.node);
    expect(before?.state).toBe("preempted");
    expect(before?.reason).toMatch(/owner/);
    site.end();
    const job = await site.job();
    expect(job.attempts).toHaveLength(2);
    expect([ExecutionState.RUNNING, ExecutionState.SUCCEEDED]).toContain(job.executionState);
  },
  120_000,
);
