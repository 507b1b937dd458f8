import { expect, test } from "vitest";
import { logSubject, parseLogSubject, subjectToken } from "./subjects.js";

const job = "0b8f2c1e-1111-4222-8333-444455556666";

test("a log subject is read back as it was written", () => {
  const subject = logSubject("m1.lab.example", `${job}.3`, 7, "stderr");
  expect(parseLogSubject(subject)).toEqual({
    node: subjectToken("m1.lab.example"),
    jobUuid: job,
    attempt: 3,
    rank: 7,
    stream: "stderr",
  });
});

test("a node's name can't widen its subject", () => {
  expect(logSubject("*.>", `${job}.1`, 0, "stdout").split(".")).toHaveLength(7);
});

test.each([
  "stoker.logs.a.b.1.0.stdout",
  `stoker.logs.a.${job}.0.0.stdout`,
  `stoker.logs.a.${job}.1.0.other`,
  `stoker.logs.a.b.${job}.1.0.stdout`,
])("%s is refused", (subject) => {
  expect(parseLogSubject(subject)).toBeUndefined();
});
