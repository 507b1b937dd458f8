import { describe, expect, it } from "vitest";
import { exampleGrant } from "../example.js";
import { readHours } from "./hours.js";
import {
  givenGpus,
  openPolicy,
  type Policy,
  presenceAfter,
  refusedByOwner,
  type Seen,
  termsOf,
  unreadable,
} from "./policy.js";

const monday = 1;
const at = (day: number, time: string, signs: string[] = [], now = 1_000_000): Seen => {
  const [hour, minute] = time.split(":").map(Number);
  return { now, local: { day, minute: (hour ?? 0) * 60 + (minute ?? 0) }, signs };
};
const hours = (...texts: string[]): Policy => ({
  ...openPolicy,
  hours: texts.map((text) => readHours(text) ?? expect.fail(text)),
});
const reclaim = { seat: true, ssh: false, gpuClients: false, quietMs: 600_000 };

describe("hours", () => {
  const nights = hours("mon-fri 19:00-07:00", "sat,sun 00:00-24:00");

  it.each([
    [monday, "18:59", false],
    [monday, "19:00", true],
    [monday, "06:59", false],
    [2, "06:59", true],
    [2, "07:00", false],
    [6, "06:59", true],
    [6, "12:00", true],
    [0, "23:59", true],
  ])("of nights and weekends, on day %i at %s", (day, time, isOpen) => {
    expect(termsOf(nights, at(day, time), undefined).closed === "").toBe(isOpen);
  });

  it("say when they begin, and want back what runs after them", () => {
    const terms = termsOf(nights, at(monday, "08:00"), undefined);
    expect(terms).toMatchObject({ closed: "its owner allows no jobs before 19:00", wantedBack: true, isHere: false });
    expect(terms.closedUntil).toBe(1_000_000 + 11 * 3_600_000);
  });

  it.each(["", "mon", "25:00-26:00", "10:60-11:00", "mun 10:00-11:00", "10:00-10:00", "mon- 10:00-11:00"])(
    "are not %j",
    (text) => {
      expect(readHours(text)).toBeUndefined();
    },
  );
});

describe("an owner who comes", () => {
  const policy = { ...openPolicy, reclaim };
  const here = at(monday, "10:00", ["alice sits at it"]);

  it("wants it at once, and has it until they have been away for a while", () => {
    const presence = presenceAfter(undefined, here);
    expect(termsOf(policy, here, presence)).toMatchObject({ wantedBack: true, isHere: true });
    const gone = { ...here, signs: [], now: here.now + 599_999 };
    const after = presenceAfter(presence, gone);
    expect(termsOf(policy, gone, after)).toMatchObject({ isHere: false, closedUntil: here.now + 600_000 });
    expect(termsOf(policy, gone, after).closed).not.toBe("");
    expect(termsOf(policy, { ...gone, now: here.now + 600_000 }, after).closed).toBe("");
  });

  it("needs no time to have it", () => {
    const none = { ...openPolicy, reclaim: { ...reclaim, quietMs: 0 } };
    expect(termsOf(none, here, presenceAfter(undefined, here)).isHere).toBe(true);
  });

  it("is nothing to a machine whose policy says nothing of it", () => {
    expect(termsOf(openPolicy, here, presenceAfter(undefined, here)).closed).toBe("");
  });
});

describe("a job", () => {
  const terms = (policy: Partial<Policy>) => termsOf({ ...openPolicy, ...policy }, at(monday, "10:00"), undefined);
  const users = (allow: string[], deny: string[]) => terms({ users: { allow, deny } });
  const of = (submittedBy: string) => exampleGrant({ submittedBy });

  it("runs where its owner says nothing", () => {
    expect(refusedByOwner(terms({}), of("alice"))).toBeUndefined();
  });

  it.each([
    ["alice", [], ["alice"], true],
    ["bob", [], ["alice"], false],
    ["alice", ["alice"], [], false],
    ["bob", ["alice"], [], true],
    ["", ["alice"], [], true],
    ["", ["*"], [], false],
    ["alice", ["alice"], ["*"], true],
  ])("of %j, of allowed %j and denied %j", (user, allow, deny, isRefused) => {
    expect(refusedByOwner(users(allow, deny), of(user)) !== undefined).toBe(isRefused);
  });

  it("needs a container where only those are wanted", () => {
    expect(refusedByOwner(terms({ containersOnly: true }), of("alice"))).toContain("containers only");
  });

  it("does not begin while nobody can read what the owner wants", () => {
    expect(refusedByOwner(unreadable("line 3"), of("alice"))).toContain("line 3");
    expect(unreadable("line 3").wantedBack).toBe(false);
  });
});

it("gives the GPUs that the owner names, by index or UUID", () => {
  const all = [0, 1, 2].map((index) => ({ index, uuid: `GPU-${index}` }));
  expect(givenGpus({ ...openPolicy, gpus: [0, "GPU-2"] }, all).map(({ index }) => index)).toEqual([0, 2]);
  expect(givenGpus(openPolicy, all)).toHaveLength(3);
  expect(givenGpus({ ...openPolicy, gpus: [] }, all)).toEqual([]);
});
