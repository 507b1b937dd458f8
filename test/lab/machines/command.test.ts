import { describe, expect, it } from "vitest";
import { attempt, CommandFailed, command, quoted } from "./command.js";

describe("commands of the host", () => {
  it("pass input, output and exit code", async () => {
    expect(await attempt(["sh", "-c", "cat; echo bad >&2; exit 3"], { input: "in" })).toEqual({
      code: 3,
      stdout: "in",
      stderr: "bad\n",
    });
  });

  it("tell what went wrong when they had to succeed", async () => {
    const failing = command(["sh", "-c", "echo why >&2; exit 4"]);
    await expect(failing).rejects.toBeInstanceOf(CommandFailed);
    await expect(failing).rejects.toThrow(/exit 4\nwhy$/);
  });

  it("are killed when their time is up", async () => {
    expect((await attempt(["sleep", "60"], { limitMs: 20 })).code).toBe(137);
  });

  it("quote any word for a shell", async () => {
    const word = "a 'b' \"c\" $d `e` \\ \n";
    expect(await command(["sh", "-c", `printf %s ${quoted(word)}`])).toBe(word);
  });
});
