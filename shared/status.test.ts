import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { Fault } from "./fault.js";
import { toWire } from "./status.js";

test("the log hears of what lies behind a fault, but not of the caller's mistake in other words", () => {
  const reported: unknown[] = [];
  const report = (error: unknown) => reported.push(error);
  const mistake = new Fault("not-found", "node n is not found");
  const reworded = new Fault("not-found", "managed.node: node n is not found", { cause: mistake });
  expect(toWire(reworded, report)).toEqual({ code: status.NOT_FOUND, details: reworded.message });
  expect(reported).toEqual([]);
  const broken = new Fault("unavailable", "can't be read", {
    cause: new Fault("unavailable", "the disk", { cause: new Error("EIO") }),
  });
  toWire(broken, report);
  expect(reported).toEqual([broken]);
});
