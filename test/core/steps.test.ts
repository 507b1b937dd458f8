import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, it } from "vitest";
import { explain } from "../../coordinator/core/explain.js";
import { HeartbeatSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { CoreWorld, exited, ready } from "../build.js";

it("a job that is being prepared or ended is explained by what its nodes are at, as they say it", () => {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 1 } } });
  world.hello("a");
  world.submit("j", {});
  const lease = () => {
    const state = world.job("j")?.state;
    if (!state || !("lease" in state)) throw new Error("it has no lease");
    return state.lease.id;
  };
  const reasons = (sequence: bigint, step: string) => {
    const held = { leaseId: lease(), step, stepSince: timestampFromMs(world.now) };
    world.send({
      kind: "agent-heartbeat",
      session: "s1",
      node: "a",
      heartbeat: create(HeartbeatSchema, { sequence, leases: [held] }),
    });
    world.now += 7_000;
    const job = world.job("j");
    if (!job) throw new Error("there is no such job");
    return explain(world.state, job, world.now).reasons.map(({ message }) => message);
  };
  expect(reasons(1n, "mounting volumes")).toEqual(["a: mounting volumes, for 7 s"]);
  world.report("a", lease(), ready);
  expect(reasons(2n, "")).toEqual([]);
  world.report("a", lease(), exited(0, 0));
  expect(reasons(3n, "unmounting its volumes")).toEqual(["a: unmounting its volumes, for 7 s"]);
});
