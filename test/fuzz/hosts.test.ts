import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { narrowHello } from "../../coordinator/core/agents/narrow.js";
import { hostFile } from "../../coordinator/core/toolkits/mpi.js";
import { HelloSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { mutatedText } from "./arbitraries/bytes.js";
import { text } from "./arbitraries/text.js";
import { atWork } from "./at-work.js";
import { check } from "./runs.js";

/** Names and addresses of nodes become lines of files, words of command lines and folders' names: none may be more than one word. */

const said = fc.oneof(mutatedText(["node-7", "10.0.0.4", "fe80::1%eth0", "gpu.lab.example"]), text(2_000));
const hello = (nodeName: string, address: string) =>
  create(HelloSchema, {
    nodeName,
    address,
    bootId: "b",
    inventory: { machineClass: "m", cpus: 4, memoryBytes: 1n },
  });

test("a node's name and address are one plain word each, or the hello is refused", () => {
  check(
    fc.property(said, said, (name, address) => {
      const known = atWork("hello", () => narrowHello(hello(name, address)));
      if (typeof known === "string") {
        expect(known.length).toBeLessThan(300);
        return;
      }
      expect([known.name, known.address]).toEqual([name, address]);
      for (const word of [name, address]) expect(word).not.toMatch(/^-|[\s\0'"`$\\/,;=#|&<>(){}[\]*?!~]/);
      expect(["", ".", ".."]).not.toContain(name);
      const host = address || name;
      expect(hostFile([host], [2])).toBe(`${host} slots=2 max-slots=2\n`);
    }),
    400,
  );
});

test.each([
  ["n", "-oProxyCommand=x"],
  ["n", "-rf"],
  ["-n", "h"],
  ["n\n", "h"],
  ["n", "h\n"],
  ["n", "h slots=99"],
  ["../n", "h"],
  ["", "h"],
  ["n", "h".repeat(300)],
])("%j at %j is refused", (name, address) => {
  expect(narrowHello(hello(name, address))).toEqual(expect.stringContaining("can't be a node's"));
});
