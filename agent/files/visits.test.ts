import { create } from "@bufbuild/protobuf";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { type MountPlan, MountPlanSchema } from "../../shared/gen/stoker/v1/mount_pb.js";
import { Visits } from "./visits.js";

const nfs = (host: string) =>
  create(MountPlanSchema, { relativeMountPath: "nfs", kind: { case: "nfs", value: { host, export: "/e" } } });

function site(mount: (root: string) => Promise<void> = async () => undefined) {
  const mounted: string[] = [];
  const mounts = {
    mount: async (root: string, _plans: MountPlan[]) => {
      await mount(root);
      mounted.push(root);
    },
    unmountAll: async (root: string) => {
      mounted.splice(0, mounted.length, ...mounted.filter((each) => each !== root));
    },
    sweep: async () => undefined,
  };
  return { mounted, visits: new Visits("/d/file-mounts", mounts, pino({ level: "silent" }), 50) };
}

const never = new AbortController().signal;

test("readers of one volume share one mount, which goes some time after the last", async () => {
  const { mounted, visits } = site();
  const [first, second] = await Promise.all([visits.hold([nfs("a")], never), visits.hold([nfs("a")], never)]);
  expect(first.root).toBe(second.root);
  expect(mounted).toHaveLength(1);
  const other = await visits.hold([nfs("b")], never);
  expect(other.root).not.toBe(first.root);
  first[Symbol.dispose]();
  other[Symbol.dispose]();
  await vi.waitFor(() => expect(mounted).toEqual([second.root]));
  second[Symbol.dispose]();
  await vi.waitFor(() => expect(mounted).toEqual([]));
});

test("a mount that fails is told to all who wait, and tried anew for the next", async () => {
  let fails = true;
  const { mounted, visits } = site(async () => {
    if (fails) throw new Error("no route to host");
  });
  const both = await Promise.allSettled([visits.hold([nfs("a")], never), visits.hold([nfs("a")], never)]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  fails = false;
  using held = await visits.hold([nfs("a")], never);
  expect(mounted).toEqual([held.root]);
});

test("nothing stays mounted when the agent stops", async () => {
  const { mounted, visits } = site();
  await visits.hold([nfs("a")], never);
  await visits.close();
  expect(mounted).toEqual([]);
});
