import { describe, expect, it } from "vitest";
import { pageByName, pageSizeOf, startOf, tokenAfter } from "./paging.js";

const named = (...names: string[]) => names.map((name) => ({ name }));
const ask = (pageSize: number, pageToken = "") => ({ pageSize, pageToken });

describe("pageByName", () => {
  it("walks all pages, in the order of names", () => {
    const first = pageByName("x", named("c", "a", "b"), ask(2));
    expect(first.items).toEqual(named("a", "b"));
    const second = pageByName("x", named("c", "a", "b"), ask(2, first.nextPageToken));
    expect(second).toEqual({ items: named("c"), nextPageToken: "" });
  });

  it("neither repeats nor hides anything when items come and go between two pages", () => {
    const { nextPageToken } = pageByName("x", named("a", "b", "d"), ask(2));
    expect(pageByName("x", named("a0", "c", "d"), ask(2, nextPageToken)).items).toEqual(named("c", "d"));
  });

  it("refuses absurd sizes and tokens of elsewhere", () => {
    expect(pageSizeOf(ask(0))).toBe(1000);
    expect(() => pageSizeOf(ask(-1))).toThrow("1 to 1000");
    expect(() => pageSizeOf(ask(1001))).toThrow("1 to 1000");
    expect(() => startOf("x", ask(0, "!!!"))).toThrow("page_token");
    expect(() => startOf("x", ask(0, tokenAfter("y", "a")))).toThrow("page_token");
    expect(() => startOf("x", ask(0, `${tokenAfter("x", "a")}=`))).toThrow("page_token");
  });
});
