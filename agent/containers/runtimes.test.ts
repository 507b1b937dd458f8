import { describe, expect, it, test } from "vitest";
import { apptainer } from "./apptainer.js";
import { docker } from "./docker.js";
import { authFile, fullName } from "./image.js";
import { runtimes } from "./index.js";
import { Lines } from "./lines.js";
import { podman } from "./podman.js";
import { sharedMounts } from "./propagation.js";
import { environmentOf } from "./record.js";
import type { ContainerStart } from "./runtime.js";

const start: ContainerStart = {
  ...{ name: "stoker-1-l", label: "stoker.agent=1", image: "docker.io/library/debian:12", lease: "l" },
  holder: ["/run/stoker/bin/stoker-shim", "hold"],
  shmSizeBytes: 2 ** 34,
  gpuUuids: ["GPU-1", "GPU-2"],
  devices: ["/dev/infiniband"],
  mounts: [
    { from: "/data/mounts", to: "/data/mounts", readOnly: false, propagated: true },
    { from: '/a,"b"', to: "/run/stoker", readOnly: true, propagated: false },
  ],
};

/** Of each of these flags. */
const wordsBehind = (argv: readonly string[], flag: string) =>
  argv.flatMap((word, at) => (argv[at - 1] === flag ? [word] : []));
const mounts = [
  "type=bind,source=/data/mounts,destination=/data/mounts,bind-propagation=rslave",
  'type=bind,"source=/a,""b""",destination=/run/stoker,readonly',
];

describe.each([
  ["podman", podman],
  ["docker", docker],
])("%s", (name, runtime) => {
  const argv = runtime.start(start, "/images");

  it("starts one container with the machine's network and processes, as root, kept by our own program", () => {
    expect(argv.slice(0, 2)).toEqual([name, "run"]);
    for (const flag of ["--network", "--pid", "--userns"]) expect(wordsBehind(argv, flag)).toEqual(["host"]);
    expect(wordsBehind(argv, "--user")).toEqual(["0:0"]);
    expect(wordsBehind(argv, "--env")).toEqual(["STOKER_LEASE=l"]);
    expect(wordsBehind(argv, "--shm-size")).toEqual([String(2 ** 34)]);
    expect(wordsBehind(argv, "--mount")).toEqual(mounts);
    expect(argv.slice(-4)).toEqual(["--entrypoint", "/run/stoker/bin/stoker-shim", start.image, "hold"]);
    expect(runtime.start({ ...start, shmSizeBytes: 0, gpuUuids: [] }, "")).not.toContain("--shm-size");
  });

  it("runs nothing of the image, and gives it no rights that an account does not have", () => {
    expect(argv).toContain("--no-healthcheck");
    expect(argv).not.toContain("--cap-drop");
    const account = { uid: 1001, gid: 1001 };
    const own = runtime.start({ ...start, account }, "/images");
    expect(wordsBehind(own, "--cap-drop")).toEqual(["ALL"]);
    expect(wordsBehind(own, "--security-opt")).toContain("no-new-privileges");
    const without = runtime.start({ ...start, gpuUuids: [] }, "/images");
    expect(wordsBehind(without, "--env")).toContain("NVIDIA_VISIBLE_DEVICES=void");
  });

  it("pulls with credentials that are in a file", () => {
    expect(runtime.pull("i", undefined, "").argv).toEqual([name, "pull", "i"]);
    const { argv: pull, environment } = runtime.pull("i", { folder: "/spool/registry" }, "");
    expect(pull.at(-1)).toBe("i");
    expect(pull.join(" ")).toMatch(/ (?:--authfile \/spool\/registry\/config.json|--config \/spool\/registry) /);
    expect(environment).toEqual({});
  });
});

test("podman gives GPUs by CDI, docker by its flag, apptainer all that CUDA_VISIBLE_DEVICES then chooses from", () => {
  expect(wordsBehind(podman.start(start, ""), "--device")).toEqual([
    ...["nvidia.com/gpu=GPU-1", "nvidia.com/gpu=GPU-2", "/dev/infiniband"],
  ]);
  expect(wordsBehind(docker.start(start, ""), "--gpus")).toEqual(['"device=GPU-1,GPU-2"']);
  expect(apptainer.start(start, "/images")).toContain("--nv");
  for (const runtime of runtimes) {
    const without = runtime.start({ ...start, gpuUuids: [] }, "/images").join(" ");
    expect(without).not.toMatch(/nvidia|--gpus|--nv/);
  }
});

test("apptainer's images are files, its containers instances with room to install in", () => {
  const argv = apptainer.start(start, "/images");
  expect(wordsBehind(argv, "instance")).toEqual(["start"]);
  expect(wordsBehind(argv, "--overlay")).toEqual(["/images/overlays/stoker-1-l"]);
  expect(wordsBehind(argv, "--mount")[0]).toBe("type=bind,source=/data/mounts,destination=/data/mounts");
  expect(wordsBehind(argv, "--no-mount")).toEqual(["tmp"]);
  const account = { uid: 1001, gid: 1002 };
  expect(wordsBehind(apptainer.start({ ...start, account }, "/images"), "--security")).toEqual([
    ...["uid:1001", "gid:1002"],
  ]);
  const image = argv.at(-2);
  expect(image).toMatch(/^\/images\/[0-9a-f]{32}\.sif$/);
  expect(apptainer.present(start.image, "/images")).toEqual(["test", "-f", image]);
  expect(apptainer.pull(start.image, { folder: "/c" }, "/images")).toMatchObject({
    argv: expect.arrayContaining([image, start.image]),
    environment: { APPTAINER_CONFIGDIR: "/c" },
  });
});

test.each([
  ["debian", "", "docker.io/library/debian"],
  ["pytorch/pytorch:0.4_cuda9_cudnn7", "", "docker.io/pytorch/pytorch:0.4_cuda9_cudnn7"],
  ["batchaitraining.azurecr.io/hvd", "batchaitraining.azurecr.io", "batchaitraining.azurecr.io/hvd"],
  ["hvd:2", "https://own.azurecr.io/", "own.azurecr.io/hvd:2"],
  ["team/hvd", "https://index.docker.io/v1/", "docker.io/team/hvd"],
  ["host:5000/a/b@sha256:00", "", "host:5000/a/b@sha256:00"],
  ["localhost/x", "nvcr.io", "localhost/x"],
])("%s, and %j beside it, is %s", (image, serverUrl, full) => expect(fullName(image, serverUrl)).toBe(full));

test("credentials stay as they are, under every name that the registry has", () => {
  const { auths } = JSON.parse(authFile("nvcr.io/nvidia/caffe", "", "$oauthtoken", "a$HOME:b")) as {
    auths: Record<string, { auth: string }>;
  };
  expect(Object.keys(auths)).toEqual(["nvcr.io"]);
  expect(Buffer.from(auths["nvcr.io"]?.auth ?? "", "base64").toString()).toBe("$oauthtoken:a$HOME:b");
  expect(authFile("x", "", "u", "p")).toContain("https://index.docker.io/v1/");
});

test("progress is told in whole lines, without colours and repeats, and not for ever", () => {
  const told: string[] = [];
  const lines = new Lines((line) => told.push(line), 4);
  lines.hear("stderr", "Trying to pull\nCopy");
  lines.hear("stdout", "id");
  lines.hear("stderr", "ing \u001b[1mblob\u001b[0m 1%\rCopying blob 1%\r\n");
  lines.end();
  for (let at = 0; at < 5; at++) lines.hear("stdout", `${at}\n`);
  expect(told).toEqual(["Trying to pull", "Copying blob 1%", "id", "… (no more of it is told)"]);
});

test("what the image says is the environment, but for our mark", () => {
  expect(environmentOf("PATH=/opt/bin\0EQ=a=b\0EMPTY=\0STOKER_LEASE=l\0TERM=xterm\0")).toEqual({
    ...{ PATH: "/opt/bin", EQ: "a=b", EMPTY: "" },
  });
});

test("later mounts are told where the machine shares its mounts", () => {
  const isShared = sharedMounts(
    [
      "1 0 8:1 / / rw shared:1 - ext4 a rw",
      "2 1 8:2 / /data rw - ext4 b rw",
      "3 2 8:3 / /data/m\\040x rw master:7 - ext4 c rw",
    ].join("\n"),
  );
  expect(["/", "/home", "/data", "/data/y", "/data/m x/z", "/database"].map(isShared)).toEqual([
    ...[true, true, false, false, true, true],
  ]);
});
