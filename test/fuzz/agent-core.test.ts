import { isAbsolute, relative } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  checkExpansion,
  directoriesOf,
  environmentOf,
  hostFileOf,
  jobMountRootOf,
  jobTempOf,
  type NodePlaces,
  rankEnvironmentOf,
} from "../../agent/core/environment.js";
import type { AgentEvent } from "../../agent/core/events.js";
import { expand, expandInOrder } from "../../agent/core/expand.js";
import { refuseGrant } from "../../agent/core/grant.js";
import { type AgentState, emptyState } from "../../agent/core/state.js";
import { nextTick, step } from "../../agent/core/step.js";
import { dataPaths, Spool } from "../../agent/paths.js";
import { Fault } from "../../shared/fault.js";
import { type LeaseGrant, LeaseGrantSchema } from "../../shared/gen/stoker/v1/lease_pb.js";
import { parseLeaseId } from "../../shared/ids.js";
import { makeGrant } from "../fakes/lease-grant.js";
import { message } from "./arbitraries/message.js";
import { text } from "./arbitraries/text.js";
import { atWork } from "./at-work.js";
import { check } from "./runs.js";

/** The agent's core under whatever a coordinator can send: nothing throws, nothing takes long, no path leads out of its folders. */

const paths = dataPaths("/data");
const places: NodePlaces = {
  ...{ base: { PATH: "/bin" }, mountRoot: paths.mounts, jobMountsRoot: paths.jobMounts, jobsRoot: paths.jobs },
  ...{ spoolRoot: paths.spool, socket: paths.socket, rsh: "/rsh", commands: "/commands" },
};

const uuids = Array.from({ length: 3 }, (_, at) => `00000000-0000-4000-8000-00000000000${at}`);
const leaseIds = uuids.flatMap((uuid) => [`${uuid}.1`, `${uuid}.2`]);
const likely = {
  ...{ leaseId: fc.constantFrom(...leaseIds), jobUuid: fc.constantFrom(...uuids), attempt: fc.constantFrom(1, 2) },
  ...{
    ttlMs: fc.constant(12_000n),
    jobPathSegment: fc.constantFrom("workspaces/w/experiments/e/jobs/j", "a/../b", "/x", "a//b"),
  },
  ...{
    stdoutName: fc.constantFrom("stdout.txt", "../x", ""),
    stderrName: fc.constant("stderr.txt"),
    executionLogName: fc.constant("execution.log"),
  },
  ...{
    rank: fc.constantFrom(0, 1, -1),
    name: fc.constantFrom("A", "B", "__proto__"),
    value: fc.constantFrom("x", "$A$A", "${B}/$A"),
  },
};

/** A good grant with some fields of a wild one. */
const grant: fc.Arbitrary<LeaseGrant> = fc
  .tuple(
    message(LeaseGrantSchema, { likely }),
    fc.subarray([...LeaseGrantSchema.fields], { maxLength: 4 }),
    fc.constantFrom(...leaseIds),
  )
  .map(([wild, fields, id]) => {
    const given = Object.fromEntries(fields.map(({ localName }) => [localName, Reflect.get(wild, localName)]));
    const own = { jobUuid: id.split(".")[0] ?? "", attempt: Number(id.split(".")[1]), leaseId: id };
    return create(LeaseGrantSchema, { ...makeGrant(own), ...given } as MessageInitShape<typeof LeaseGrantSchema>);
  });

const lease = fc.constantFrom(...leaseIds.flatMap((id) => parseLeaseId(id)?.lease ?? []));
const event: fc.Arbitrary<AgentEvent> = fc.oneof(
  { weight: 4, arbitrary: grant.map((each): AgentEvent => ({ type: "grant", grant: each })) },
  fc.record({ type: fc.constant("lease" as const), lease, event: fc.constant({ type: "start-ranks" as const }) }),
  fc.record({
    type: fc.constant("lease" as const),
    lease,
    event: fc.record({ type: fc.constant("stop" as const), reason: text(), graceful: fc.boolean() }),
  }),
  fc.record({
    type: fc.constant("lease" as const),
    lease,
    event: fc.record({ type: fc.constant("acknowledged" as const), sequence: fc.oneof(fc.nat(9), fc.double()) }),
  }),
  fc.record({
    type: fc.constant("lease" as const),
    lease,
    event: fc.record({
      type: fc.constant("step-finished" as const),
      step: fc.constantFrom("local" as const, "mounts" as const, "directories" as const, "preparation" as const),
    }),
  }),
  fc.record({
    type: fc.constant("heartbeat-answered" as const),
    sequence: fc.bigInt({ min: -1n, max: 5n }),
    renewed: fc.array(lease),
    superseded: fc.array(lease),
  }),
  fc.record({
    type: fc.constant("heartbeat-sent" as const),
    sequence: fc.bigInt({ min: 1n, max: 5n }),
    at: fc.nat(1_000),
  }),
  fc.constant({ type: "tick" as const }),
);

const isBelow = (path: string, root: string) => {
  const way = relative(root, path);
  return way !== "" && !isAbsolute(way) && way.split("/")[0] !== "..";
};

test("grants and messages of any kind are taken or refused, and stay in the agent's folders", () => {
  let taken = 0;
  check(
    fc.property(fc.array(event, { minLength: 1, maxLength: 20 }), (events) => {
      let state: AgentState = emptyState;
      let monotonic = 1_000;
      for (const each of events) {
        monotonic += 500;
        const after = atWork(each.type, () => step(state, each, { instant: 1e12, monotonic }));
        for (const complaint of after.complaints) expect(complaint.length).toBeLessThan(1_000);
        state = after.state;
        const next = nextTick(state, monotonic);
        expect(Number.isNaN(next)).toBe(false);
      }
      for (const { grant: held, id } of state.leases.values()) {
        taken += 1;
        expect(isBelow(jobTempOf(held, places), paths.jobs)).toBe(true);
        expect(isBelow(jobMountRootOf(held, places), paths.jobMounts)).toBe(true);
        const spool = new Spool(paths, id);
        expect(isBelow(hostFileOf(held, places), spool.dir)).toBe(true);
        for (const { rank } of held.ranks) expect(isBelow(spool.rank(rank), spool.dir)).toBe(true);
        expandable(held);
      }
    }),
    300,
  );
  expect(taken).toBeGreaterThan(0);
});

/** What passes the check once never throws later. */
function expandable(held: LeaseGrant): void {
  try {
    atWork("expansion", () => checkExpansion(held, places));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return;
  }
  const environment = environmentOf(held, places);
  expect(environment).toMatchObject({
    STOKER_LEASE: held.leaseId,
    STOKER_SOCKET: places.socket,
    STOKER_RSH: places.rsh,
  });
  for (const rank of held.ranks) rankEnvironmentOf(environment, rank, held, places);
  directoriesOf(held, environment, jobTempOf(held, places));
}

test("variables that hold one another over and over are refused before they fill the memory", () => {
  const doubled = Array.from({ length: 60 }, (_, at) => ({
    name: `A${at}`,
    value: at === 0 ? "x".repeat(1_000) : `$A${at - 1}$A${at - 1}`,
  }));
  const bomb = makeGrant({ environment: doubled });
  expect(refuseGrant(bomb)).toBeUndefined();
  expect(() => atWork("expansion", () => checkExpansion(bomb, places))).toThrow(/longer than 131072 characters/);
  const wide = makeGrant({
    environment: [
      { name: "A", value: "x".repeat(1_000) },
      { name: "B", value: "$A".repeat(45_000) },
    ],
  });
  expect(() => atWork("expansion", () => checkExpansion(wide, places))).toThrow(/longer/);
});

const name = fc.oneof(
  fc.constantFrom("A", "B1", "_x", "__proto__", "constructor", "AZ_BATCHAI_JOB_TEMP"),
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,9}$/),
);

test("an expansion puts each value in as it is, byte for byte, and reads none of it again", () => {
  check(
    fc.property(
      name,
      text(),
      fc.array(
        fc.tuple(
          text().filter((each) => !each.includes("$")),
          fc.boolean(),
        ),
      ),
      (variable, value, pieces) => {
        // The next letter must not go on with the name.
        const written = pieces
          .map(([before, braces]) => `${before}${braces ? `\${${variable}}` : `$${variable}`}`)
          .join("\n");
        const wanted = pieces.map(([before]) => `${before}${value}`).join("\n");
        const variables = expandInOrder({}, [{ name: variable, value: "" }]);
        Object.defineProperty(variables, variable, { value, enumerable: true });
        expect(atWork("expansion", () => expand(written, variables))).toBe(wanted);
      },
    ),
    300,
  );
});
