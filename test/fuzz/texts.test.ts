import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseMountinfo } from "../../agent/mounts/mountinfo.js";
import { readLaunchLine } from "../../agent/mpi/shim-protocol.js";
import { parseCpuTimes } from "../../agent/telemetry/cpu.js";
import { parseLoad } from "../../agent/telemetry/load.js";
import { machineClass } from "../../agent/telemetry/machine-class.js";
import { parseMemoryUsed } from "../../agent/telemetry/memory.js";
import { parseGpus } from "../../agent/telemetry/nvidia-smi.js";
import { devicesOf } from "../../agent/telemetry/smi/devices.js";
import { parseSmi, SmiFormatError } from "../../agent/telemetry/smi/document.js";
import { explainFailure } from "../../agent/telemetry/smi/failure.js";
import { parseList } from "../../agent/telemetry/smi/list.js";
import { loadCluster } from "../../cli/body/cluster.js";
import { isoDuration } from "../../cli/body/duration.js";
import { loadFileServer } from "../../cli/body/file-server.js";
import { loadJob } from "../../cli/body/job.js";
import { parseBody } from "../../cli/body/parse.js";
import { pageSizeOf, startOf, tokenAfter } from "../../coordinator/api/paging.js";
import { cut } from "../../coordinator/core/cut.js";
import { withoutLastSlashes, withoutOuterSlashes } from "../../coordinator/core/slashes.js";
import { Fault } from "../../shared/fault.js";
import { jobId, leaseId, parseLeaseId } from "../../shared/ids.js";
import { logSubject, parseLogSubject, subjectToken } from "../../shared/subjects.js";
import { mutatedText } from "./arbitraries/bytes.js";
import { hugeText, text } from "./arbitraries/text.js";
import { atWork } from "./at-work.js";
import { check } from "./runs.js";

/** Every parser of texts: a value or its own refusal, soon, whatever it is given: recorded texts changed at random, nonsense, megabytes. */

const fixtures = join(import.meta.dirname, "../fixtures");
const recorded = (folder: string, ending: string) =>
  readdirSync(join(fixtures, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => readFileSync(join(fixtures, folder, name), "utf8"));

const proc = {
  mountinfo: [
    "22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n90 22 0:50 / /data/a\\040b rw - nfs4 10.0.0.4:/x rw\n",
  ],
  stat: ["cpu  5 0 3 100 2 0 1 0 0 0\ncpu0 1 2 3 4\n"],
  meminfo: ["MemTotal:       16000 kB\nMemFree: 1 kB\nMemAvailable:    9000 kB\n"],
  load: ["0.52 0.58 0.59 1/467 10123\n"],
};
const uuid = "0e2d6b1c-5a57-4d3f-9d61-0a5b7f0c1d2e";
const line = JSON.stringify({
  request: "0".repeat(32),
  lease: `${uuid}.1`,
  target: "n",
  command: "orted",
  stdoutOffset: 0,
  stderrOffset: 1,
});

/** What a parser may throw when it can't read its text. */
const refusals = (error: unknown) => error instanceof Fault || error instanceof SmiFormatError;

interface Parser {
  parse(given: string): unknown;
  recorded: readonly string[];
  refuses?: (error: unknown) => boolean;
  /** Whole documents come from a person or a program of ours, once: their size is theirs. */
  smallOnly?: boolean;
}

const bodies = [...recorded("recipes", ".json"), "properties:\n  nodeCount: 1\n", "a: &x [1, 2]\nb: *x\n"];
const flags = { workspace: "w" };
const parsers: Record<string, Parser> = {
  "nvidia-smi as CSV": { parse: parseGpus, recorded: recorded("nvidia-smi", ".csv") },
  "nvidia-smi -L": { parse: parseList, recorded: recorded("nvidia-smi", ".txt") },
  "nvidia-smi as XML": {
    parse: (given) => devicesOf(parseSmi(given), []),
    recorded: recorded("nvidia-smi/xml", ".xml").filter(({ length }) => length < 60_000),
    refuses: (error) => error instanceof Error,
  },
  "nvidia-smi's failures": {
    parse: (output) => explainFailure({ exitCode: 9, output, timedOut: false, missing: false }),
    recorded: [
      "Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.  Reboot the system to recover this GPU",
    ],
  },
  mountinfo: { parse: parseMountinfo, recorded: proc.mountinfo, smallOnly: true },
  "/proc/stat": { parse: parseCpuTimes, recorded: proc.stat },
  "/proc/meminfo": { parse: parseMemoryUsed, recorded: proc.meminfo },
  "/proc/loadavg": { parse: parseLoad, recorded: proc.load },
  "a model's name": { parse: (given) => machineClass(4, [given]), recorded: ["NVIDIA H100 80GB HBM3"] },
  "a launcher's request": { parse: readLaunchLine, recorded: [line] },
  "a lease id": { parse: parseLeaseId, recorded: [`${uuid}.1`] },
  "a log subject": { parse: parseLogSubject, recorded: [logSubject("n", `${uuid}.1`, 0, "stdout")] },
  "a page token": {
    parse: (pageToken) => startOf("jobs", { pageSize: 0, pageToken }),
    recorded: [tokenAfter("jobs", "17")],
  },
  "a duration": {
    parse: (given) => isoDuration(given, "x"),
    recorded: ["P7D", "7.00:00:00", "PT1H30M"],
    refuses: isUsage,
  },
  "a job's body": {
    parse: (given) => loadJob(parseBody(given, "f"), flags),
    recorded: bodies,
    refuses: isUsage,
    smallOnly: true,
  },
  "a cluster's body": {
    parse: (given) => loadCluster(parseBody(given, "f"), flags),
    recorded: bodies,
    refuses: isUsage,
    smallOnly: true,
  },
  "a file server's body": {
    parse: (given) => loadFileServer(parseBody(given, "f"), {}),
    recorded: bodies,
    refuses: isUsage,
    smallOnly: true,
  },
};

/** The command line's own: one line for the user. */
function isUsage(error: unknown): boolean {
  return (
    error instanceof Error &&
    error.constructor !== Error &&
    !(error instanceof TypeError) &&
    !(error instanceof RangeError) &&
    !(error instanceof SyntaxError)
  );
}

describe.each(Object.entries(parsers))("%s", (name, { parse, recorded: texts, refuses = refusals, smallOnly }) => {
  const given = fc.oneof(
    { weight: 6, arbitrary: mutatedText(texts) },
    { weight: 2, arbitrary: text() },
    ...(smallOnly
      ? []
      : [
          { weight: 1, arbitrary: hugeText },
          { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...texts), hugeText).map((parts) => parts.join("")) },
        ]),
  );

  test("gives a value or its refusal, soon", () => {
    expect(texts.length).toBeGreaterThan(0);
    for (const each of texts) tryParse(parse, each, refuses, name);
    check(
      fc.property(given, (each) => tryParse(parse, each, refuses, name)),
      40,
    );
  });
});

function tryParse(
  parse: (given: string) => unknown,
  given: string,
  refuses: (error: unknown) => boolean,
  name: string,
): void {
  try {
    atWork(name, () => parse(given));
  } catch (error) {
    if (!refuses(error) || String(error).includes("kept the event loop")) throw error;
    expect(String(error).length).toBeLessThan(5_000);
  }
}

test("a body that names itself over and over is refused, not unfolded", () => {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let at = 1; at < 12; at += 1)
    lines.push(
      `a${at}: &a${at} [${Array(10)
        .fill(`*a${at - 1}`)
        .join(", ")}]`,
    );
  expect(() => atWork("aliases", () => parseBody(lines.join("\n"), "f"))).toThrow();
});

test("an XML that unfolds entities over and over is refused, not unfolded", () => {
  const entities = Array.from(
    { length: 12 },
    (_, at) => `<!ENTITY e${at} "${at === 0 ? "x" : `&e${at - 1};`.repeat(10)}">`,
  );
  const xml = `<?xml version="1.0"?><!DOCTYPE nvidia_smi_log [${entities.join("")}]><nvidia_smi_log><driver_version>&e11;</driver_version><attached_gpus>0</attached_gpus></nvidia_smi_log>`;
  tryParse(
    (given) => parseSmi(given),
    xml,
    (error) => error instanceof Error,
    "entities",
  );
});

test("ids, subjects and tokens come back as they were", () => {
  const attempt = fc.integer({ min: 1, max: 999_999_999 });
  check(
    fc.property(
      fc.uuid(),
      attempt,
      fc.integer({ min: 0, max: 999_999 }),
      text(),
      fc.constantFrom("stdout" as const, "stderr" as const),
      (job, number, rank, node, stream) => {
        const lease = leaseId(jobId(job), number);
        expect(parseLeaseId(lease)).toEqual({ lease, job, attempt: number });
        const known = node === "" ? "n" : node;
        expect(parseLogSubject(logSubject(known, lease, rank, stream))).toEqual({
          node: subjectToken(known),
          jobUuid: job,
          attempt: number,
          rank,
          stream,
        });
        expect(startOf("jobs", { pageSize: 0, pageToken: tokenAfter("jobs", known) })).toBe(known);
        expect(() => startOf("nodes", { pageSize: 0, pageToken: tokenAfter("jobs", known) })).toThrow(Fault);
      },
    ),
    200,
  );
});

test("a cut text is a beginning of it with whole letters, and slashes go from the ends alone", () => {
  check(
    fc.property(text(3_000), fc.integer({ min: 1, max: 100 }), (given, most) => {
      const short = cut(given, most);
      expect(given.startsWith(short)).toBe(true);
      expect(short.length).toBeGreaterThanOrEqual(Math.min(given.length, most - 1));
      expect(() => encodeURIComponent(short)).not.toThrow();
      expect(withoutLastSlashes(given)).toBe(given.slice(0, given.length - (given.match(/\/*$/)?.[0].length ?? 0)));
      expect(withoutOuterSlashes(`//${given}//`)).toBe(withoutOuterSlashes(given));
      expect(withoutOuterSlashes(given)).not.toMatch(/^\/|\/$/);
    }),
    200,
  );
});

test("a page size is a number that a page can have, or refused", () => {
  check(
    fc.property(fc.oneof(fc.integer(), fc.integer({ min: -2, max: 1_002 })), (pageSize) => {
      const wanted = pageSize === 0 ? 1_000 : pageSize;
      if (pageSize >= 0 && pageSize <= 1_000) expect(pageSizeOf({ pageSize, pageToken: "" })).toBe(wanted);
      else expect(() => pageSizeOf({ pageSize, pageToken: "" })).toThrow(Fault);
    }),
    100,
  );
});
