import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { DoctorVerdict } from "../../shared/gen/stoker/v1/doctor_pb.js";
import { DoctorNodesResponseSchema } from "../../shared/gen/stoker/v1/node_service_pb.js";
import { run } from "../program.js";
import { FakeCoordinator } from "../testing/fake-coordinator.js";

const { OK, WARN, FAIL } = DoctorVerdict;

const lab = (asked: string[][] = []) =>
  FakeCoordinator.start({
    nodes: {
      doctorNodes: ({ ids }) => {
        asked.push(ids);
        const findings = {
          m1: [
            { check: "driver", verdict: OK, sentence: "NVIDIA's driver 550.54.15 is loaded", remedy: "" },
            { check: "clock", verdict: WARN, sentence: "3 s ahead", remedy: "timedatectl set-ntp true" },
          ],
          m2: [
            {
              check: "agent",
              verdict: FAIL,
              sentence: "node m2 can't be reached",
              remedy: "systemctl status stoker-agent",
            },
          ],
        };
        const all = Object.entries(findings).map(([name, found]) => ({ nodeId: `nodes/${name}`, findings: found }));
        const nodes = all.filter(({ nodeId }) => ids.length === 0 || ids.includes(nodeId));
        return create(DoctorNodesResponseSchema, { nodes });
      },
    },
  });

test("every machine is asked when none is named, and 1 says that something must be mended", async () => {
  const asked: string[][] = [];
  await using coordinator = await lab(asked);
  const world = coordinator.world();
  expect(await run(["doctor"], world)).toBe(1);
  expect(asked).toEqual([[]]);
  expect(world.stdout).toBe(
    [
      "m1:",
      "ok    driver  NVIDIA's driver 550.54.15 is loaded",
      "warn  clock   3 s ahead",
      "              mend it: timedatectl set-ntp true",
      "1 ok, 1 to look at, 0 to mend",
      "",
      "m2:",
      "fail  agent  node m2 can't be reached",
      "             mend it: systemctl status stoker-agent",
      "0 ok, 0 to look at, 1 to mend",
      "",
    ].join("\n"),
  );
});

test("one machine, for programs", async () => {
  const asked: string[][] = [];
  await using coordinator = await lab(asked);
  const world = coordinator.world();
  expect(await run(["doctor", "m1", "-o", "json"], world)).toBe(0);
  expect(asked).toEqual([["nodes/m1"]]);
  expect(JSON.parse(world.stdout)).toMatchObject([
    { node: "m1", findings: [{ verdict: "ok" }, { verdict: "warn", remedy: "timedatectl set-ntp true" }] },
  ]);
});

test("all and some at once is a mistake", async () => {
  await using coordinator = await lab();
  const world = coordinator.world();
  expect(await run(["doctor", "--all", "m1"], world)).toBe(2);
});
