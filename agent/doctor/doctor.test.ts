import { expect, test } from "vitest";
import { type Described, describedMachine } from "../../test/fakes/machine.js";
import { mtuTo } from "./checks/peers.js";
import type { Hardware } from "./hardware.js";
import { examineNode } from "./index.js";
import { placeOf } from "./place.js";
import { readHardware } from "./read-hardware.js";
import type { AgentWorld } from "./world.js";

const gpu = (bus: string) => ({
  [`/sys/bus/pci/devices/${bus}/vendor`]: "0x10de\n",
  [`/sys/bus/pci/devices/${bus}/class`]: "0x030200\n",
  // The same card's audio device.
  [`/sys/bus/pci/devices/${bus}a/vendor`]: "0x10de\n",
  [`/sys/bus/pci/devices/${bus}a/class`]: "0x040300\n",
});
const driver = {
  "/proc/driver/nvidia/version":
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n",
};

function hardwareSaid(change: Partial<Hardware> = {}): string {
  const slot = (name: string) => ({ slot: name, sizeBytes: 32 * 2 ** 30, type: "DDR5", speedMtps: 4800, ecc: true });
  const disk = {
    device: "/dev/nvme0n1",
    model: "SAMSUNG MZ",
    sizeBytes: 3.8e12,
    kind: "NVMe",
    health: "good",
  } as const;
  return JSON.stringify({
    ...{ model: "Dell Inc. PowerEdge XE9680", firmware: "1.2", memoryModules: [slot("A1"), slot("B1")], disks: [disk] },
    processors: { count: 2, model: "Intel Xeon Platinum 8480+", cores: 112 },
    ...change,
  } satisfies Hardware);
}

/** In order but for having no GPU. */
const sound = {
  programs: {
    "mount.nfs -V": "mount.nfs: (linux nfs-utils 2.6.2)",
    "mpirun --version": "mpirun (Open MPI) 4.1.4\n\nReport bugs to http://www.open-mpi.org/community/help/\n",
    "podman info": "4.3.1",
    "timedatectl show": "yes\n",
    "ss -Hlun": "UNCONN 0 0 0.0.0.0:7415 0.0.0.0:*\n",
    "systemctl show": "yes\n",
    ping: "",
    "ip -o route get": "10.0.0.8 dev eth0 src 10.0.0.7\n",
    "stoker-agent hardware": hardwareSaid(),
  },
  files: {
    "/proc/filesystems": "nodev\tnfs\nnodev\tnfs4\n",
    "/proc/self/mounts": "/dev/sda1 / ext4 rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n",
    "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
    "/proc/self/limits": "Max open files            1048576              1048576              files\n",
    "/proc/sys/fs/file-max": "9223372036854775807\n",
    "/sys/class/net/eth0/mtu": "9000\n",
  },
  names: { gpu07: "10.0.0.7", gpu08: "10.0.0.8", head: "10.0.0.1" },
} satisfies Described;

async function amiss(ill: Described, world: Partial<AgentWorld> = {}) {
  const machine = describedMachine({
    ...{ ...sound, ...ill },
    ...{ programs: { ...sound.programs, ...ill.programs }, files: { ...sound.files, ...ill.files } },
    names: { ...sound.names, ...ill.names },
  });
  const told = await examineNode({
    ...placeOf({ coordinator: "head:7741", dataDir: "/var/lib/stoker-agent", witnessPort: 7415 }),
    agentProgram: ["stoker-agent"],
    ...{ machine, hostName: "gpu07", clockAheadMs: 12, wanted: ["gpu08"] },
    peers: [{ name: "gpu08", address: "10.0.0.8" }],
    ...world,
  });
  return told
    .filter(({ verdict }) => verdict !== "ok")
    .map(({ check, verdict, sentence, remedy = "" }) => ({
      ...{ check, verdict, words: `${sentence} → ${remedy}` },
    }));
}

test("nothing is amiss with a sound machine", async () => {
  expect(await amiss({})).toEqual([]);
});

test("and nothing with one that has GPUs", async () => {
  const programs = {
    "nvidia-smi --query-gpu=name": "NVIDIA H100 80GB HBM3\nNVIDIA H100 80GB HBM3\n",
    "nvidia-smi": "| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: 12.4 |\n",
    "nvidia-ctk --version": "1.14",
  };
  const files = {
    ...gpu("0000:65:00.0"),
    ...gpu("0000:b3:00.0"),
    ...driver,
    "/usr/local/cuda/version.json": '{"cuda":{"name":"CUDA SDK","version":"12.2.1"}}',
    "/etc/cdi/nvidia.yaml":
      "kind: nvidia.com/gpu\ndevices:\n- name: GPU-5f1e77aa-0c1d-4d0b-9d0f-0e2d6b1c5a57\n- hostPath: /usr/lib/libcuda.so.550.54.15\n",
  };
  expect(await amiss({ programs, files })).toEqual([]);
  expect(await amiss({ programs, files: { ...files, ...gpu("0000:c1:00.0") } })).toMatchObject([
    { check: "nvidia-smi", verdict: "fail", words: expect.stringContaining("sees 2 of 3 GPUs") },
  ]);
});

test.each<[string, "warn" | "fail", RegExp, Described, Partial<AgentWorld>?]>([
  [
    "driver",
    "fail",
    /an NVIDIA GPU, but no driver is loaded → apt install nvidia-driver/,
    { files: gpu("0000:65:00.0"), programs: { "nvidia-smi": {}, "nvidia-ctk": {} } },
  ],
  [
    "driver",
    "fail",
    /no driver is loaded → apt install ubuntu-drivers-common && ubuntu-drivers install && modprobe nvidia/,
    {
      files: { ...gpu("0000:65:00.0"), "/etc/os-release": 'NAME="Ubuntu"\nID=ubuntu\n' },
      programs: { "nvidia-smi": {}, "nvidia-ctk": {} },
    },
  ],
  ["NFS", "fail", /no mount\.nfs.*→ apt install nfs-common/, { programs: { "mount.nfs -V": undefined as never } }],
  [
    "NFS",
    "fail",
    /kernel has no NFS client/,
    { files: { "/proc/filesystems": "ext4\n" }, programs: { modprobe: { code: 1 } } },
  ],
  ["MPI", "warn", /no mpirun.*→ apt install openmpi-bin/, { programs: { "mpirun --version": undefined as never } }],
  [
    "containers",
    "warn",
    /podman is installed and does not work: no subuid → podman info/,
    { programs: { "podman info": { code: 125, stderr: "Error\nno subuid\n" } } },
  ],
  ["clock", "warn", /3\.0 s ahead of the coordinator's → timedatectl set-ntp true/, {}, { clockAheadMs: 3_000 }],
  ["clock", "fail", /120 s behind the coordinator's/, {}, { clockAheadMs: -120_000 }],
  ["clock", "fail", /(599|600) s ahead/, { aheadMs: 600_000 }, { clockAheadMs: undefined }],
  ["clock", "warn", /not synchronized → timedatectl/, { programs: { "timedatectl show": "no\n" } }],
  [
    "ports",
    "fail",
    /can't be reached at head:7741: connect ECONNREFUSED → open 7741\/tcp on head/,
    { unreachable: { "head:7741": "connect ECONNREFUSED" } },
  ],
  [
    "ports",
    "fail",
    /logs of jobs wait on this machine: NATS at .* timed out → open the port of its NATS on head, 7743\/tcp/,
    {},
    { logs: { problem: "NATS at nats://head:7743 can't be reached: timed out" } },
  ],
  ["ports", "warn", /nobody listens at 7415\/udp/, { programs: { "ss -Hlun": "" } }],
  [
    "ports",
    "warn",
    /asked about the coordinator, gpu08 of 2 did not answer: .* → open 7415\/udp between the nodes/,
    {},
    { witnesses: { asked: ["gpu08", "gpu09"], silent: ["gpu08"] } },
  ],
  ["ports", "warn", /neither asks others/, {}, { witnessPort: undefined }],
  [
    "cgroups",
    "warn",
    /no control groups of version 2/,
    { files: { "/proc/self/mounts": "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n" } },
  ],
  ["cgroups", "warn", /have no memory, pids here/, { files: { "/sys/fs/cgroup/cgroup.controllers": "cpu io\n" } }],
  ["cgroups", "warn", /Delegate=yes/, { programs: { "systemctl show": "no\n" } }],
  [
    "file limits",
    "warn",
    /may open 4096 files.*LimitNOFILE/,
    { files: { "/proc/self/limits": "Max open files            1024                 4096                 files\n" } },
  ],
  [
    "InfiniBand",
    "warn",
    /mlx5_0.*65536 bytes/,
    {
      files: {
        "/sys/class/infiniband/mlx5_0/node_guid": "",
        "/proc/self/limits": "Max open files 1 unlimited\nMax locked memory 65536 65536 bytes\n",
      },
    },
  ],
  [
    "accounts",
    "warn",
    /stoker-job is 995 here, and 60741 elsewhere/,
    { programs: { "getent passwd stoker-job": "stoker-job:x:995:995::/nonexistent:/usr/sbin/nologin\n" } },
  ],
  [
    "accounts",
    "warn",
    /all jobs run as root here: .* → useradd --system -u 60741 .*systemctl restart stoker-agent/,
    { programs: { "id -u": "0\n" } },
  ],
  [
    "accounts",
    "fail",
    /has the jobs of ada run as a.lovelace, and there is no such account: they are refused → useradd -m a.lovelace/,
    { programs: { "id -u": "0\n" } },
    { accounts: { kind: "mapped", accounts: { ada: "a.lovelace", "*": "same" } } },
  ],
  ["disk", "fail", /0\.5 GiB of .* are free/, { room: { freeBytes: 2 ** 29 } }],
  ["disk", "warn", /5\.0 GiB/, { room: { freeBytes: 5 * 2 ** 30 } }],
  ["disk", "fail", /files left/, { room: { freeFiles: 10 } }],
  [
    "disk",
    "fail",
    /is on nfs4: .*local disk/,
    {
      files: {
        "/proc/self/mounts": "x / ext4 rw\ncgroup2 /sys/fs/cgroup cgroup2 rw\nfs:/x /var/lib/stoker-agent nfs4 rw\n",
      },
    },
  ],
  ["other nodes", "warn", /no answer from gpu08/, { programs: { "ping -c2": { code: 1 } } }],
  [
    "other nodes",
    "warn",
    /packets of 9000 bytes.* do not reach gpu08.*mtu/,
    { programs: { "ping -c2 -i0.3 -W2 -Mdo": { code: 1 } } },
  ],
  ["names", "fail", /the name head has no address/, { names: { head: undefined as never } }],
  ["names", "warn", /does not know its own name, gpu07/, { names: { gpu07: undefined as never } }],
  ["names", "warn", /other nodes have no address here: gpu08/, { names: { gpu08: undefined as never } }],
])("%s: %s %s", async (check, verdict, words, ill, world) => {
  const told = await amiss(ill, world);
  expect(told).toContainEqual({ check, verdict, words: expect.stringMatching(words) });
  expect(told.filter((each) => each.check !== check && each.check !== "nvidia-smi")).toEqual([]);
});

test("limits are those of the unit, whatever the shell of whoever asks has", async () => {
  const files = {
    "/sys/class/infiniband/mlx5_0/node_guid": "",
    "/proc/self/limits": "Max open files 1 4096\nMax locked memory 65536 65536 bytes\n",
    "/proc/77/limits": "Max open files 1 1048576\nMax locked memory unlimited unlimited bytes\n",
  };
  const programs = { "systemctl show --property=MainPID --value stoker-agent.service": "77\n" };
  expect(await amiss({ files, programs })).toEqual([]);
});

test("every MPI of the lab is known by what it says", async () => {
  const { flavourOf } = await import("./checks/mpi.js");
  expect(flavourOf("HYDRA build details:\n    Version:                                 4.0.2\n")).toBe("MPICH 4.0.2");
  expect(flavourOf("Intel(R) MPI Library for Linux* OS, Version 2021.9 Build 20230307")).toBe("Intel MPI 2021.9");
  expect(flavourOf("something else")).toBeUndefined();
});

test("the loopback's packets say nothing of a network", () => {
  expect(mtuTo({ stdout: "local 127.0.0.1 dev lo src 127.0.0.1" }, () => "65536")).toBeUndefined();
});

test("what the machine is made of: disks that fail, memory that slows the rest, and nobody who answers", async () => {
  const of = (change: Partial<Hardware>) => amiss({ programs: { "stoker-agent hardware": hardwareSaid(change) } });
  const slow = { slot: "B1", sizeBytes: 2 ** 35, type: "DDR5", speedMtps: 4000, ecc: false };
  const fast = { ...slow, slot: "A1", speedMtps: 4800, ecc: true };
  expect(await of({ memoryModules: [fast, slow] })).toMatchObject([
    { check: "hardware", verdict: "warn", words: expect.stringContaining("all run at 4000 MT/s, that of B1") },
    { check: "hardware", verdict: "warn", words: expect.stringContaining("without error correction") },
  ]);
  const disk = { device: "/dev/sdb", model: "ST8000", sizeBytes: 8e12, kind: "HD", health: "failing" } as const;
  expect(await of({ disks: [disk] })).toMatchObject([
    { verdict: "fail", words: expect.stringMatching(/\/dev\/sdb .*replace it → smartctl --all \/dev\/sdb/) },
  ]);
  // Virtual machines have none of all this, and nothing is amiss with them.
  expect(await of({ model: "", memoryModules: [], disks: [] })).toEqual([]);
});

test("this machine says what it is made of", async () => {
  const { processors } = await readHardware();
  expect(processors.cores).toBeGreaterThan(0);
});
