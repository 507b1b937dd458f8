import { describe, expect, it } from "vitest";
import { expand, expandInOrder } from "./expand.js";

describe("expand", () => {
  const variables = { ROOT: "/mnt/root", A_1: "one", EMPTY: "" };

  it.each([
    ["$ROOT/data", "/mnt/root/data"],
    ["${ROOT}data", "/mnt/rootdata"],
    ["$ROOT$A_1", "/mnt/rootone"],
    ["$A_1x", ""],
    ["[$UNDEFINED][${UNDEFINED}]", "[][]"],
    ["$EMPTY.", "."],
    ["$$ $1 $( $(date) ${ROOT:-x} \\$ROOT `id`", "$$ $1 $( $(date) ${ROOT:-x} \\/mnt/root `id`"],
    ["$constructor ${toString}", " "],
  ])("%s", (text, expected) => {
    expect(expand(text, variables)).toBe(expected);
  });

  it("does not expand what a value brings in", () => {
    expect(expand("$X", { X: "$Y", Y: "never" })).toBe("$Y");
  });
});

describe("expandInOrder", () => {
  it("lets each variable refer to those before it, not to later ones", () => {
    const result = expandInOrder({ ROOT: "/r" }, [
      { name: "A", value: "$ROOT/a" },
      { name: "B", value: "${A}/b$LATER" },
      { name: "LATER", value: "x" },
      { name: "PATH", value: "/opt/bin:$PATH" },
    ]);
    expect(result).toEqual({ ROOT: "/r", A: "/r/a", B: "/r/a/b", LATER: "x", PATH: "/opt/bin:" });
  });

  it("lets a later variable replace an earlier one of its name", () => {
    const result = expandInOrder({ PATH: "/bin" }, [{ name: "PATH", value: "/opt/bin:$PATH" }]);
    expect(result.PATH).toBe("/opt/bin:/bin");
  });
});
