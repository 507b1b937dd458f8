import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { afterEach, beforeEach, expect, it } from "vitest";
import { refuseGrant } from "../../agent/core/grant.js";
import { type LeaseGrant, LeaseGrantSchema } from "../../shared/gen/stoker/v1/lease_pb.js";
import { AgentSite } from "../fakes/agent-site.js";
import { makeGrant } from "../fakes/lease-grant.js";

/**
 * Every text of a grant, in turn, says what would be a command, an option, a path or a line of its own if anything took it for one. Texts that
 * are a shell's by their meaning are left as they are.
 */
const shellTexts = ["command_line", "preparation_command_line"];

let site: AgentSite;
let outside: string;

beforeEach(async () => {
  site = await AgentSite.start();
  outside = mkdtempSync(join(tmpdir(), "stoker-strings-"));
});
afterEach(async () => {
  await site.stop();
  rmSync(outside, { recursive: true, force: true });
});

/** All that any of it could leave, if it ran. */
function hostile(kind: number): string {
  const trace = `touch ${outside}/ran`;
  const all = [
    `; ${trace}; $(${trace}) \`${trace}\` ' ; ${trace} ; ' " ; ${trace} ; " | ${trace} && ${trace} #`,
    `x\n${trace}\n`,
    "--reference=/etc/passwd",
    `x/../../../../../../../../../../..${outside}/climbed`,
  ];
  return all[kind] ?? expect.fail("no such kind");
}

/** Each text field of the message and of those in it, by how to set it. */
function texts(message: DescMessage, way: string[] = []): string[][] {
  return message.fields.flatMap((field): string[][] => {
    const here = [...way, field.name];
    if (shellTexts.includes(field.name)) return [];
    if (isText(field)) return [here];
    const inner =
      field.fieldKind === "message"
        ? field.message
        : field.fieldKind === "list" && field.listKind === "message"
          ? field.message
          : undefined;
    // What is mounted has its own tests, as it needs a server: agent/mounts.
    return inner && inner.name !== "MountPlan" && inner.name !== "ContainerPlan" ? texts(inner, here) : [];
  });
}

const isText = (field: DescField) =>
  (field.fieldKind === "scalar" && field.scalar === ScalarType.STRING) ||
  (field.fieldKind === "list" && field.listKind === "scalar" && field.scalar === ScalarType.STRING);

function withText(grant: LeaseGrant, way: readonly string[], value: string): void {
  const [name = "", ...rest] = way;
  const message = reflect(LeaseGrantSchema, grant);
  put(message, name, rest, value);
}

function put(message: ReturnType<typeof reflect>, name: string, rest: readonly string[], value: string): void {
  const field = message.fields.find((each) => each.name === name) ?? expect.fail(`no field ${name}`);
  const [next, ...further] = rest;
  if (field.fieldKind === "list") {
    const list = message.get(field);
    if (next === undefined) list.add(value);
    else for (const item of list) put(item as ReturnType<typeof reflect>, next, further, value);
  } else if (field.fieldKind === "message" && next !== undefined) put(message.get(field), next, further, value);
  else message.set(field, value as never);
}

const example = () =>
  makeGrant({
    ...{ preparationCommandLine: "true", stdDirectory: site.path("std"), directories: ["made"], hostFile: "n1\n" },
    ...{ executionLogName: "execution.log", preparationStdoutName: "prep.out", preparationStderrName: "prep.err" },
    environment: [{ name: "A", value: "b" }],
    secrets: [{ name: "S", value: "t" }],
    ranks: [
      { rank: 0, commandLine: "true", stdoutName: "out", stderrName: "err", environment: [{ name: "R", value: "r" }] },
    ],
  });

it("texts of a grant are data: none becomes a command, an option or a path elsewhere", {
  timeout: 120_000,
}, async () => {
  const all = texts(LeaseGrantSchema);
  // The walk finds them all: a field that is added is tried, too.
  expect(all.length).toBeGreaterThanOrEqual(20);
  mkdirSync(site.path("std"));
  let taken = 0;
  for (const way of all) {
    for (let kind = 0; kind < 4; kind++) {
      const grant = example();
      withText(grant, way, hostile(kind));
      if (refuseGrant(grant) !== undefined) continue;
      taken += 1;
      site.coordinator.grant(grant);
      await site.story(grant.leaseId, "done");
      const found = readdirSync(outside);
      // A user's own directories may be anywhere that its account may write.
      const own = ["directories", "std_directory"].includes(way[0] ?? "");
      expect({ way, kind, found: own ? found.filter((name) => name !== "climbed") : found }).toEqual({
        way,
        kind,
        found: [],
      });
      if (own) rmSync(join(outside, "climbed"), { recursive: true, force: true });
    }
  }
  expect(taken).toBeGreaterThan(25);
  expect(existsSync(join(outside, "ran"))).toBe(false);
});
