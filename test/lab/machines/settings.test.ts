import { describe, expect, it } from "vitest";
import { addressOf } from "./settings.js";

describe("addressOf", () => {
  it("gives every place an address of its own", () => {
    expect(["m1", "m60", "control", "filer"].map(addressOf)).toEqual([
      "10.77.0.1",
      "10.77.0.60",
      "10.77.0.254",
      "10.77.0.253",
    ]);
  });

  it.each(["m0", "m61", "m1x", "", "../m1"])("refuses %j", (name) => {
    expect(() => addressOf(name)).toThrow("no place in the lab");
  });
});
