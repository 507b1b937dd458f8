import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { mpiExpansion } from "../../coordinator/core/toolkits/mpi.js";
import type { Gang } from "../../coordinator/core/toolkits/toolkit.js";

/** The launcher's text, run by a real bash, with stand-ins for each MPI: which words it gives to which. */
const dir = mkdtempSync(join(tmpdir(), "stoker-mpi-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const gang: Gang = {
  nodes: [4, 5, 6].map((last) => ({ name: `n${last}`, host: `10.0.0.${last}`, cpus: 8, gpuUuids: [] })),
  attempt: 1,
  oneMachine: false,
  isTempShared: true,
  whole: true,
  port: 23_456,
  slots: 2,
};

/** A folder whose `mpirun` says `version` and shows its arguments, a line each; `path` is what mpirun leads to. */
function standIn(name: string, path: string, version: string): string {
  const folder = join(dir, name);
  const program = join(folder, path);
  mkdirSync(dirname(program), { recursive: true });
  const script = `#!/bin/sh\n[ "$1" = --version ] && { echo '${version}'; exit; }\nfor word; do printf "%s\\n" "$word"; done\n`;
  writeFileSync(program, script);
  chmodSync(program, 0o755);
  if (path !== "mpirun") symlinkSync(program, join(folder, "mpirun"));
  return folder;
}

function launched(folder: string, processCount: number, command = "./train 'a b'", nodes = 3) {
  const [rank] = mpiExpansion(command, processCount, { ...gang, nodes: gang.nodes.slice(0, nodes) }).ranks;
  const env = { PATH: `${folder}:/usr/bin:/bin`, STOKER_RSH: "/rsh", AZ_BATCHAI_MPI_HOST_FILE: "/hosts", HOME: dir };
  // Not this machine's own mpirun.
  const path = folder === "" ? join(dir, "none") : env.PATH;
  const { status, stdout, stderr } = spawnSync("/bin/bash", ["-c", rank?.commandLine ?? ""], {
    encoding: "utf8",
    env: { ...env, PATH: path },
  });
  return { status, stderr, words: stdout.split("\n").join(" ") };
}

const intel = "Intel(R) MPI Library for Linux* OS, Version 2017 Update 3 Build 20170405 (id: 17193)";
const hydra = "HYDRA build details:\n    Version: 4.0.2";

test("Open MPI, by what mpirun leads to: host file, slots, the remote launcher, as root", () => {
  const { words } = launched(standIn("orte", "lib/openmpi/orterun", "?"), 6);
  expect(words).toContain("--hostfile /hosts -np 6 --map-by slot --bind-to none --mca plm_rsh_agent /rsh");
  expect(words).toMatch(process.getuid?.() === 0 ? /^--allow-run-as-root / : /^--hostfile/);
  expect(words).not.toContain("yield");
});

test("Open MPI, by its version; more ranks than cores give way to one another", () => {
  const { words } = launched(standIn("own-build", "mpirun", "mpirun (Open MPI) 1.10.2"), 30);
  expect(words).toContain("--hostfile /hosts -np 30");
  expect(words).toContain("--mca mpi_yield_when_idle 1 bash -c");
});

test.each([
  ["by its name", "bin/mpiexec.mpich", "?"],
  ["by its version", "mpirun", hydra],
  ["MVAPICH2", "bin/mpiexec.hydra", hydra],
])("MPICH %s: hosts with counts, and no environment of the launcher's", (name, path, version) => {
  const { words } = launched(standIn(name, path, version), 5);
  expect(words).toMatch(
    /^-launcher rsh -launcher-exec \/rsh -hosts 10.0.0.4:2,10.0.0.5:2,10.0.0.6:1 -n 5 -genvnone bash -c /,
  );
});

test("Intel MPI: as many on each host, as users of Batch AI wrote it", () => {
  const { words } = launched(standIn("intel", "bin64/mpiexec.hydra", intel), 6);
  expect(words).toMatch(
    /^-bootstrap rsh -bootstrap-exec \/rsh -genvnone -hosts 10.0.0.4,10.0.0.5,10.0.0.6 -ppn 2 -n 6 bash -c /,
  );
});

test("Intel MPI with hosts of different counts", () => {
  const { words } = launched(standIn("intel-uneven", "mpirun", intel), 4);
  expect(words.match(/-n \d -host \S+/g)).toEqual([
    "-n 2 -host 10.0.0.4",
    "-n 1 -host 10.0.0.5",
    "-n 1 -host 10.0.0.6",
  ]);
});

test("Intel MPI with fewer processes than hosts names only those that have one", () => {
  const { words } = launched(standIn("intel-few", "mpirun", intel), 2);
  expect(words).toContain("-hosts 10.0.0.4,10.0.0.5 -ppn 1 -n 2");
});

test("without any MPI a single process runs by itself, and several are refused", () => {
  mkdirSync(join(dir, "none"));
  for (const tool of ["bash", "readlink"]) symlinkSync(`/bin/${tool}`, join(dir, "none", tool));
  expect(launched("", 1, "echo alone $AZ_BATCHAI_TASK_INDEX; exit 3", 1)).toMatchObject({
    status: 3,
    words: "alone 0 ",
  });
  expect(launched("", 2)).toMatchObject({ status: 127, stderr: expect.stringContaining("no mpirun") });
});
