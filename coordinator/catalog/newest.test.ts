import { expect, it } from "vitest";
import type { RowChange } from "../core/changes.js";
import { newestOf } from "./newest.js";

const put = (table: string, key: string, version: number) =>
  ({ kind: "put", table, row: { uuid: key, version } }) as unknown as RowChange;
const del = (table: string, key: string) => ({ kind: "delete", table, key }) as RowChange;

it("writes a row once, as it was at the end, and in the order of the last writes", () => {
  const changes = [put("job", "a", 1), put("job", "b", 1), put("node", "a", 1), put("job", "a", 2)];
  expect(newestOf(changes)).toEqual([put("job", "b", 1), put("node", "a", 1), put("job", "a", 2)]);
});

it("moves nothing over a delete", () => {
  const changes = [put("job", "a", 1), del("job", "a"), put("job", "a", 2), put("job", "a", 3)];
  expect(newestOf(changes)).toEqual([put("job", "a", 1), del("job", "a"), put("job", "a", 3)]);
});
