import { expect, test } from "vitest";
import { jobId, leaseId, parseLeaseId } from "./ids.js";

const job = jobId("0b8f2c1e-1111-4222-8333-444455556666");

test("a lease id tells its job and attempt", () => {
  expect(parseLeaseId(leaseId(job, 12))).toEqual({ lease: `${job}.12`, job, attempt: 12 });
});

test.each(["", job, `${job}.0`, `${job}.-1`, `${job}.1x`, `../${job}.1`, `${job}.1.2`])("%j is no lease id", (text) => {
  expect(parseLeaseId(text)).toBeUndefined();
});
