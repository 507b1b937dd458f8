import { describe, expect, it } from "vitest";
import { TooLate, until } from "./until.js";

describe("until", () => {
  it("gives what was seen as soon as it is seen", async () => {
    let looks = 0;
    expect(await until("third look", async () => ++looks === 3 && "seen", 5_000, 1)).toBe("seen");
    expect(looks).toBe(3);
  });

  it("looks on through errors, and tells the last one when time is up", async () => {
    const failing = until("a sign", () => Promise.reject(new Error("no answer")), 5, 1);
    await expect(failing).rejects.toBeInstanceOf(TooLate);
    await expect(failing).rejects.toMatchObject({ message: "a sign: not within 5 ms", cause: new Error("no answer") });
  });
});
