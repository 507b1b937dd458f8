import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { create } from "@bufbuild/protobuf";
import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { Fault } from "../../shared/fault.js";
import { FileReadPlanSchema } from "../../shared/gen/stoker/v1/relay_pb.js";
import { JobFiles } from "./job-files.js";
import { Visits } from "./visits.js";

const log = pino({ level: "silent" });
const alice = { name: "alice", uid: 61_001, gid: 61_001, groups: [61_001, 0], home: "/", shell: "" };

/** `<base>/out` is alice's, and she has put a link to bob's folder beside it. */
function places() {
  const base = mkdtempSync(join(tmpdir(), "stoker-job-files-"));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  chmodSync(base, 0o755);
  for (const name of ["out", "bobs"]) {
    mkdirSync(join(base, name), { mode: 0o700 });
    writeFileSync(join(base, name, "file"), name, { mode: 0o600 });
    for (const path of [join(base, name), join(base, name, "file")])
      chownSync(path, name === "out" ? alice.uid : 61_002, 61_002);
  }
  symlinkSync("bobs", join(base, "planted"));
  const files = new JobFiles({
    ...{ shimPath: resolve(import.meta.dirname, "../../dist/stoker-shim"), nodeName: "n1" },
    places: {
      ...{ base: {}, mountRoot: "/m", jobMountsRoot: "/j", jobsRoot: "/d", spoolRoot: "/s" },
      ...{ socket: "", rsh: "", commands: "" },
    },
    visits: new Visits(
      join(base, "visits"),
      { mount: async () => {}, unmountAll: async () => {}, sweep: async () => {} },
      log,
    ),
    isMounted: () => false,
    reader: async (user) => {
      if (user === "mallory") throw new Fault("unavailable", "there is no account mallory");
      return user === "alice" ? alice : undefined;
    },
  });
  return async (below: string, more: { submittedBy?: string; withoutLinks?: boolean }) => {
    const said: string[] = [];
    const place = { base, below, jobPathSegment: "s", ownDisk: true, ...more };
    const channel = {
      signal: new AbortController().signal,
      send: async (message: { case?: string; value?: unknown }) => {
        if (message.case === "output") said.push(String(message.value));
      },
      received: (async function* () {})(),
    };
    await files.read(create(FileReadPlanSchema, { place, path: "file" }), channel as never);
    return said.join("");
  };
}

it.runIf(process.getuid?.() === 0)(
  "of a job are read as its submitter's account, wherever a link of that account's leads",
  async () => {
    const read = places();
    expect(await read("out", { submittedBy: "alice" })).toBe("out");
    await expect(read("planted", { submittedBy: "alice" })).rejects.toMatchObject({ code: "permission-denied" });
    await expect(read("out", { submittedBy: "mallory" })).rejects.toMatchObject({ code: "unavailable" });
    // Where jobs are the agent's own; and of what belongs to no job.
    expect(await read("planted", { submittedBy: "" })).toBe("bobs");
    await expect(read("planted", { withoutLinks: true })).rejects.toMatchObject({
      message: expect.stringMatching(/leads out/),
    });
    expect(await read("out", { withoutLinks: true })).toBe("out");
  },
);
