import { expect, test } from "vitest";
import type { AuditNote } from "../core/access/audit.js";
import { Refusals } from "./refusals.js";

const note = (user: string, peer: string): AuditNote => ({
  ...{ user, peer, credential: "", verb: "JobService.CreateJob", target: "t", summary: "" },
  outcome: "permission-denied",
});

test("some a minute are told of each user and address, and the rest is counted", () => {
  const written: AuditNote[] = [];
  const clock = { now: 0 };
  const refusals = new Refusals(
    (each) => written.push(each),
    () => clock.now,
  );
  for (let port = 0; port < 1_000; port += 1) refusals.tell(note("eve", `10.0.0.1:${port}`));
  expect(written).toHaveLength(20);
  refusals.tell(note("ada", "10.0.0.2:1"));
  expect(written.at(-1)?.user).toBe("ada");
  for (let host = 0; host < 1_000; host += 1) refusals.tell(note("", `10.1.${host >> 8}.${host & 255}:1`));
  expect(written).toHaveLength(200);
  clock.now += 60_000;
  refusals.tell(note("ada", "10.0.0.2:1"));
  expect(written.at(-2)?.summary).toMatch(/^18\d\d more refused calls/);
  expect(written.at(-1)?.user).toBe("ada");
});
