import { describe, expect, it } from "vitest";
import { type Account, accountOf, accountRefused, accountVariables, standardAccounts } from "./accounts.js";

const account = (given: Partial<Account> = {}): Account => ({
  ...{ name: "alice", uid: 1001, gid: 1001, groups: [1001], home: "/home/alice", shell: "/bin/zsh" },
  ...given,
});

describe("whose account a job gets", () => {
  it("is the one that is called as the user is, and the package's for the coordinator's own token", () => {
    expect(accountOf(standardAccounts, "alice")).toEqual({ account: "alice" });
    expect(accountOf(standardAccounts, "")).toEqual({ account: "stoker-job" });
  });

  it("is the one that the administrator names, before what counts for all", () => {
    expect(accountOf({ alice: "a.lovelace", "*": "guest" }, "alice")).toEqual({ account: "a.lovelace" });
    expect(accountOf({ alice: "a.lovelace", "*": "guest" }, "bob")).toEqual({ account: "guest" });
  });

  it("is none, with what to do, for whom nobody thought of", () => {
    expect(accountOf({ alice: "alice" }, "bob")).toMatchObject({ refusal: expect.stringContaining("accounts: {bob:") });
    expect(accountOf({ "*": "same" }, "")).toMatchObject({ refusal: expect.stringContaining("coordinator-token") });
  });

  it.each(["__proto__", "constructor", "toString"])("is no property of every object: %s", (user) => {
    expect(accountOf({ alice: "alice" }, user)).toHaveProperty("refusal");
  });

  it.each(["-u", "--version", "a b", "a\nb", "a:b", "../a", "a$b", "$(id)"])("is never a word such as %j", (user) => {
    expect(accountOf({ "*": "same" }, user)).toHaveProperty("refusal");
  });

  it("is not the token's for a user who is called like it", () => {
    expect(accountOf(standardAccounts, "coordinator-token")).toHaveProperty("refusal");
  });
});

describe("an account that jobs may not have", () => {
  it.each([
    ["one that is not there", undefined, "there is no account alice"],
    ["root", account({ uid: 0 }), "root"],
    ["one of root's group", account({ gid: 0 }), "root"],
    ["a service's", account({ uid: 33 }), "below 1000"],
    ["nobody's", account({ uid: 65_534 }), "nobody"],
  ])("%s", (_, found, why) => {
    expect(accountRefused("alice", found, false)).toContain(why);
  });

  it("is root's only as long as the owner does not allow it", () => {
    expect(accountRefused("root", account({ name: "root", uid: 0, gid: 0 }), true)).toBeUndefined();
    expect(accountRefused("x", account({ gid: 0 }), true)).toBeDefined();
  });

  it("is not the package's own", () => {
    expect(accountRefused("stoker-job", account({ name: "stoker-job", uid: 998 }), false)).toBeUndefined();
    expect(accountRefused("alice", account(), false)).toBeUndefined();
  });
});

it("gives its variables, with a shell that works", () => {
  expect(accountVariables(account())).toEqual({
    HOME: "/home/alice",
    USER: "alice",
    LOGNAME: "alice",
    SHELL: "/bin/zsh",
  });
  expect(accountVariables(account({ shell: "/usr/sbin/nologin" })).SHELL).toBe("/bin/bash");
});
