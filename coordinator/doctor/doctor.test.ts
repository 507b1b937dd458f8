import { expect, test } from "vitest";
import { examine } from "../../shared/doctor/examine.js";
import { exitCodeOf, textReport } from "../../shared/doctor/report.js";
import { type Described, describedMachine } from "../../test/fakes/machine.js";
import { checks } from "./index.js";
import type { CoordinatorWorld } from "./world.js";

const sound: Described = {
  programs: { "nats-server --version": "nats-server: v2.10.4\n", "timedatectl show": "yes\n" },
  files: {
    "/proc/self/mounts": "/dev/sda1 / ext4 rw 0 0\n",
    "/proc/self/limits": "Max open files            65536                65536                files\n",
  },
  names: { head: "10.0.0.1" },
};

const examined = (ill: Described = {}, world: Partial<CoordinatorWorld> = {}) =>
  examine(checks, {
    machine: describedMachine({ ...sound, ...ill }),
    ...{ dataDir: "/var/lib/stoker", hostName: "head", unit: "stoker-coordinator.service", needed: [], wanted: [] },
    ...{ listen: "0.0.0.0:7741", natsServer: "nats-server", natsUrl: undefined },
    ...world,
  });

test("a sound coordinator", async () => {
  const told = await examined();
  expect(told.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
  expect(exitCodeOf(told)).toBe(0);
});

test.each<[RegExp, number, Described, Partial<CoordinatorWorld>?]>([
  [/^fail {2}NATS .*no nats-server.*\n.*mend it: apt install nats-server$/m, 1, { programs: {} }],
  [/^warn {2}NATS .*2\.2\.0; 2\.9 or newer/m, 0, { programs: { "nats-server --version": "nats-server: v2.2.0" } }],
  [
    /^fail {2}NATS .*can't be reached: refused/m,
    1,
    { unreachable: { "bus:4222": "refused" } },
    { natsUrl: "nats://bus" },
  ],
  [/^fail {2}port .*nobody answers at 0\.0\.0\.0:7741: refused/m, 1, { unreachable: { "127.0.0.1:7741": "refused" } }],
  [/^warn {2}port .*other machines can't join/m, 0, {}, { listen: "127.0.0.1:7741" }],
  [/^fail {2}disk .*0\.1 GiB/m, 1, { room: { freeBytes: 10 ** 8 } }],
])("%s", async (words, code, ill, world) => {
  const told = await examined(ill, world);
  expect(textReport(told)).toMatch(words);
  expect(exitCodeOf(told)).toBe(code);
});
