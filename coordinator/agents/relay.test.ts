import { create } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, it } from "vitest";
import {
  LogStream,
  RemoteExitSchema,
  RemoteOutputSchema,
  RemoteStartRequestSchema,
} from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { ToAgent } from "./messages.js";
import { Relay } from "./relay.js";

const lease = "6f9619ff-8b86-4011-b42d-00c04fc964ff.1";
let sent: Array<[string, ToAgent]>;
let refused: string[];
let away: Set<string>;
let relay: Relay;
/** Of a test: the one that it is a test of. */
let tested: string | undefined;

beforeEach(() => {
  tested = undefined;
  sent = [];
  refused = [];
  away = new Set();
  const members = [
    { node: "head.lab", host: "10.0.0.1" },
    { node: "b.lab", host: "10.0.0.2" },
  ];
  relay = new Relay({
    gang: (id) => (id === lease ? { members, ...(tested === undefined ? {} : { launcher: tested }) } : undefined),
    send: (node, message) => !away.has(node) && sent.push([node, message]) > 0,
    refused: (node, reason) => refused.push(`${node}: ${reason}`),
  });
});

const request = (target: string, leaseId = lease) =>
  create(RemoteStartRequestSchema, { requestId: "r1", leaseId, target, commandLine: "orted", stdoutOffset: 5n });
const output = create(RemoteOutputSchema, {
  requestId: "r1",
  leaseId: lease,
  stream: LogStream.STDOUT,
  data: new Uint8Array([1]),
});
const exit = create(RemoteExitSchema, { requestId: "r1", leaseId: lease, exitCode: 3 });
const told = () => sent.map(([node, message]) => `${node} ${message.case}`);

describe("Relay", () => {
  it.each(["10.0.0.2", "b.lab", "B.LAB", "b"])("starts on the member of the gang that %s names", (target) => {
    relay.start("head.lab", request(target));
    expect(sent).toMatchObject([
      ["b.lab", { case: "remoteStart", value: { fromNode: "head.lab", commandLine: "orted", stdoutOffset: 5n } }],
    ]);
  });

  it("in a test of a node starts what that one wants, and nothing that its peers want", () => {
    tested = "head.lab";
    relay.start("b.lab", request("head.lab"));
    expect(told()).toEqual(["b.lab remoteExit"]);
    expect(refused[0]).toContain("b.lab only takes part in the test");
    relay.start("head.lab", request("b.lab"));
    expect(told()).toEqual(["b.lab remoteExit", "b.lab remoteStart"]);
  });

  it("brings output and exit back to the launcher", () => {
    relay.start("head.lab", request("b.lab"));
    relay.output("b.lab", output);
    relay.exit("b.lab", exit);
    expect(told()).toEqual(["b.lab remoteStart", "head.lab remoteOutput", "head.lab remoteExit"]);
  });

  it("ends the process when the launcher's shim is gone", () => {
    relay.start("head.lab", request("b.lab"));
    relay.exit("head.lab", exit);
    expect(told()).toEqual(["b.lab remoteStart", "b.lab remoteStop"]);
  });

  it.each([
    ["a node outside the gang", "head.lab", request("c.lab"), "not a node of this job"],
    ["a lease that does not run", "head.lab", request("b.lab", lease.replace(".1", ".2")), "does not run on head.lab"],
    ["a launcher outside the gang", "c.lab", request("b.lab"), "does not run on c.lab"],
  ])("refuses %s, and tells the launcher", (_, launcher, given, reason) => {
    relay.start(launcher, given);
    expect(sent).toMatchObject([[launcher, { case: "remoteExit", value: { exitCode: 255 } }]]);
    expect(refused[0]).toContain(reason);
  });

  it("believes nobody about a process that another node has", () => {
    relay.start("head.lab", request("b.lab"));
    sent = [];
    relay.output("c.lab", output);
    relay.exit("c.lab", exit);
    relay.start("b.lab", request("head.lab"));
    expect(told()).toEqual(["b.lab remoteExit"]);
    expect(refused).toHaveLength(3);
  });

  it("starts once the target is there again", () => {
    away.add("b.lab");
    relay.start("head.lab", request("b.lab"));
    expect(told()).toEqual([]);
    away.clear();
    relay.connected("b.lab");
    expect(told()).toEqual(["b.lab remoteStart"]);
  });

  it("forgets a job that stopped", () => {
    relay.start("head.lab", request("b.lab"));
    relay.jobStopped(lease.split(".")[0] ?? "");
    relay.output("b.lab", output);
    relay.connected("b.lab");
    expect(told()).toEqual(["b.lab remoteStart"]);
  });
});
