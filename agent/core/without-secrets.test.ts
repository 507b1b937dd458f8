import { expect, it } from "vitest";
import { withoutSecrets } from "./without-secrets.js";

it.each([
  ["token=geheim; geheim!", "token=***; ***!"],
  // Of which the beginning was cut off.
  ["heim: refused", "***: refused"],
  ["im: refused", "im: refused"],
  ["no such file", "no such file"],
])("%s", (text, told) => {
  expect(withoutSecrets(text, [{ value: "geheim" }, { value: "no" }])).toBe(told);
});

it("leaves nothing of a secret that begins with another", () => {
  expect(withoutSecrets("geheimnis, geheim", [{ value: "geheim" }, { value: "geheimnis" }])).toBe("***, ***");
});
