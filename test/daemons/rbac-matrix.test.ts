import { expect, test } from "vitest";
import { runMatrix } from "../access/matrix.js";

test("every call with every credential is answered as the table says", { timeout: 120_000 }, async () => {
  const { methods, credentials, tried, wrong, missing } = await runMatrix();
  expect(missing, "methods that have no rule, or are not served").toEqual([]);
  expect(wrong).toEqual([]);
  expect(tried).toBeGreaterThanOrEqual(methods * credentials);
  console.info(`${methods} methods × ${credentials} credentials, ${tried} calls: all as the table says`);
});
