import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { jobId, leaseId } from "../../shared/ids.js";
import { until } from "../../test/fakes/until.js";
import type { ContainerWish } from "../ports.js";
import { NodeContainers } from "./node-containers.js";

/** A podman of a few lines, which notes how it is called, and can start nothing. */
const script = `#!/bin/bash
echo "$$ $*" >> "$(dirname "$0")/calls"
cd "$(dirname "$0")"
case "$1 $2" in
  "--version ") echo "podman version 4.3.1" ;;
  "image exists") [ -e "image-$3" ] ;;
  "pull --authfile") ls -l "$3" >> modes; stat -f -c %T "$3" >> kinds; echo "$3" >> places; cat "$3" >> auths; echo "Copying blob 1" >&2; touch image-there ;;
  "run "*) [ -e starts ] && exit 0; if [ -e says ]; then cat says >&2; else echo "crun: no room" >&2; fi; exit 125 ;;
  "inspect "*) echo 999999999 ;;
  "ps "*) [ -e dumb ] && exit 125; cat names 2>/dev/null ;;
  "rm "*) [ -e slow ] && exec sleep 3003; if [ -e stubborn ]; then echo "it is in use" >&2; exit 2; fi ;;
  *) [ -e hanging ] && sleep 3001; exit 3 ;;
esac
`;
const lease = leaseId(jobId("0e2d6b1c-5a57-4d3f-9d61-0a5b7f0c1d2e"), 1);
let dir: string;
let containers: NodeContainers;
let told: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-containers-"));
  for (const name of ["bin", "spool", `spool/${lease}`]) mkdirSync(join(dir, name));
  writeFileSync(join(dir, "bin/podman"), script);
  chmodSync(join(dir, "bin/podman"), 0o755);
  told = [];
  containers = make({});
});
afterEach(() => {
  containers.close();
  rmSync(dir, { recursive: true, force: true });
});

function make(given: Partial<ConstructorParameters<typeof NodeContainers>[0]>): NodeContainers {
  return new NodeContainers(
    {
      ...{ spool: join(dir, "spool"), store: join(dir, "images"), dataDir: dir, wanted: "podman" },
      holder: ["/run/stoker/bin/stoker-shim", "hold"],
      shimPath: resolve(import.meta.dirname, "../../dist/stoker-shim"),
      environment: { PATH: `${join(dir, "bin")}:/usr/bin:/bin`, STOKER_TOKEN: "never-passed-on" },
      limits: { askMs: 2_000, findMs: 10_000, pullMs: 60_000, retryMs: 100 },
      ...given,
    },
    pino({ level: "silent" }),
  );
}

const wish = (given: Partial<ContainerWish> = {}): ContainerWish => ({
  ...{ lease, image: "there", serverUrl: "", username: "", password: "", shmSizeBytes: 0, gpuUuids: [] },
  folders: [{ from: dir, to: dir }],
  ...given,
});
const begin = (given: Partial<ContainerWish> = {}, signal = new AbortController().signal) =>
  containers.start(wish(given), (line) => told.push(line), signal);
const calls = () => readFileSync(join(dir, "bin/calls"), "utf8");
const put = (name: string, text = "") => writeFileSync(join(dir, "bin", name), text);

it("finds what works, and nothing where its owner wants nothing", async () => {
  expect(await containers.find()).toEqual({ name: "podman", version: "4.3.1" });
  expect(await make({ wanted: "off" }).find()).toBeUndefined();
  expect(await make({ environment: { PATH: "/nowhere" } }).find()).toBeUndefined();
  await expect(
    make({ wanted: "off" }).start(wish(), () => undefined, new AbortController().signal),
  ).rejects.toMatchObject({
    code: "FailedStartingContainer",
    details: [{ name: "imageName", value: "there" }],
  });
});

it("gives a registry's credentials in a file in memory for its eyes only, which is gone afterwards, and tells nobody", async () => {
  await containers.find();
  await expect(begin({ image: "there:1", username: "$user", password: "pass$HOME" })).rejects.toMatchObject({
    code: "FailedStartingContainer",
    message: "podman could not start a container of the image: crun: no room",
  });
  expect(readFileSync(join(dir, "bin/modes"), "utf8")).toMatch(/^-rw-------/);
  expect(readFileSync(join(dir, "bin/auths"), "utf8")).toContain(Buffer.from("$user:pass$HOME").toString("base64"));
  expect(calls()).not.toMatch(/pass\$HOME|\$user/);
  expect(told).toEqual(["pulling docker.io/library/there:1", "pull: Copying blob 1"]);
  expect(readFileSync(join(dir, "bin/kinds"), "utf8")).toBe("tmpfs\n");
  expect(existsSync(readFileSync(join(dir, "bin/places"), "utf8").trim())).toBe(false);
});

it("gives up a pull at once when the attempt is stopped, and everything that it has started", async () => {
  await containers.find();
  put("hanging");
  const stop = new AbortController();
  const failed = expect(begin({ image: "else" }, stop.signal)).rejects.toThrow("could not pull");
  const pid = await until(
    "the pull",
    () => / pull docker/.test(calls()) && Number(/(\d+) pull docker/.exec(calls())?.[1]),
  );
  stop.abort();
  await failed;
  await until("its end", () => !existsSync(`/proc/${pid}`));
});

it("does not wait for a runtime that hangs", async () => {
  await containers.find();
  writeFileSync(join(dir, "bin/podman"), "#!/bin/bash\nexec sleep 3002\n");
  await expect(begin()).rejects.toThrow("podman does not answer: it took longer than 2 s");
});

it("tells what it can't remove, and tries again until it can", async () => {
  await containers.find();
  put("stubborn");
  expect(await containers.remove(lease)).toContain("it is in use");
  const before = calls().split("\n").length;
  rmSync(join(dir, "bin/stubborn"));
  await until("another try", () => calls().split("\n").length > before);
});

it("waits once for a removal that hangs, tells it, and tries again until it is done", async () => {
  containers = make({ limits: { removeMs: 300, retryMs: 100 } });
  await containers.find();
  put("slow");
  expect(await containers.remove(lease)).toBe("it took longer than 0.3 s");
  expect(calls().match(/ rm /g)).toHaveLength(1);
  rmSync(join(dir, "bin/slow"));
  await until("another try", () => (calls().match(/ rm /g) ?? []).length > 1);
});

it("says so when the container is gone as soon as it was there", async () => {
  await containers.find();
  put("image-there");
  put("starts");
  await expect(begin()).rejects.toThrow(
    /^podman could not keep the container that it started: it had ended, or somebody/,
  );
});

it("says what to do where GPUs are not described for containers", async () => {
  await containers.find();
  put("image-there");
  put("says", "Error: setting up CDI devices: unresolvable CDI devices nvidia.com/gpu=GPU-1\n");
  await expect(begin({ gpuUuids: ["GPU-1"] })).rejects.toThrow(
    /could not start a container of the image: Error: setting up CDI.*; .*`nvidia-ctk cdi generate --output/,
  );
});

it("removes its own containers of leases that are not held, and no others", async () => {
  await containers.find();
  const own = /stoker-[0-9a-f]{8}-/.exec((await containers.remove(lease)) + calls())?.[0];
  const other = leaseId(jobId("1e2d6b1c-5a57-4d3f-9d61-0a5b7f0c1d2e"), 3);
  put("names", `${own}${lease}\n${own}${other}\nstoker-00000000-${other}\nsomebody\n`);
  put("calls");
  await containers.sweep((held) => held === lease);
  expect(calls().match(/ rm .*/g)).toEqual([` rm --force --time 0 --ignore ${own}${other}`]);
});

it("looks for them again where the runtime did not answer", async () => {
  await containers.find();
  const other = leaseId(jobId("1e2d6b1c-5a57-4d3f-9d61-0a5b7f0c1d2e"), 3);
  put("dumb");
  await containers.sweep(() => false);
  const [, agent = ""] = /label=stoker.agent=(\w+)/.exec(calls()) ?? [];
  put("names", `stoker-${agent}-${other}\n`);
  rmSync(join(dir, "bin/dumb"));
  await until("it is removed", () => calls().includes(` rm --force --time 0 --ignore stoker-${agent}-${other}`));
});
