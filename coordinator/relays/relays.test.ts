import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Metadata } from "@grpc/grpc-js";
import { beforeEach, expect, test, vi } from "vitest";
import {
  type RelayRequest,
  RelayRequestSchema,
  type RelayResponseSchema,
} from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { type RelayPurpose, Relays } from "./relays.js";

type Said = MessageInitShape<typeof RelayRequestSchema>["message"];

let ordered: Array<{ node: string; relayId: string }>;
let away: boolean;
let relays: Relays;
const never = new AbortController().signal;
const purpose = { case: "forward" as const, value: { host: "localhost", port: 80 } };
const doctor = { case: "doctor" as const, value: {} };

beforeEach(() => {
  ordered = [];
  away = false;
  relays = new Relays({
    order: (node, { relayId }) => {
      ordered.push({ node, relayId });
      return !away;
    },
  });
});

/** An agent's stream, said by hand. */
function agentStream() {
  const waiting: RelayRequest[] = [];
  let wake: () => void = () => undefined;
  let over = false;
  async function* requests() {
    for (;;) {
      for (let next = waiting.shift(); next; next = waiting.shift()) yield next;
      if (over) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  const broken = new AbortController();
  const heard: Array<string | undefined> = [];
  const stream = {
    requests: requests(),
    send: async ({ message }: MessageInitShape<typeof RelayResponseSchema>) => void heard.push(message?.case),
    push: () => true,
    backlog: () => 0,
    end: () => undefined,
    fail: vi.fn(),
  };
  const served = () =>
    relays.serve(stream, {
      metadata: new Metadata(),
      signal: broken.signal,
      authority: "",
      peer: "",
      caller: { kind: "anonymous" },
    });
  const say = (message: Said) => {
    waiting.push(create(RelayRequestSchema, { message }));
    wake();
  };
  const end = () => {
    over = true;
    wake();
  };
  return { served, say, end, heard, stream, breakOff: () => broken.abort() };
}

async function joined() {
  const asked = relays.ask("n1", purpose, never);
  const agent = agentStream();
  const served = agent.served();
  agent.say({ case: "hello", value: { relayId: ordered[0]?.relayId, nodeName: "n1" } });
  return { agent, served, relay: await asked };
}

async function read(relay: Awaited<ReturnType<Relays["ask"]>>): Promise<string> {
  let text = "";
  for await (const message of relay.messages())
    if (message.case === "output") text += Buffer.from(message.value).toString();
  return text;
}

test("what the agent says is passed on to its end, and what the user says to the agent", async () => {
  const { agent, served, relay } = await joined();
  agent.say({ case: "output", value: Buffer.from("one ") });
  agent.say({ case: "output", value: Buffer.from("two") });
  agent.say({ case: "outputEnd", value: {} });
  agent.end();
  expect(await read(relay)).toBe("one two");
  await relay.send({ case: "inputEnd", value: {} });
  expect(agent.heard).toEqual(["inputEnd"]);
  relay.close();
  await served;
  expect(agent.stream.fail).not.toHaveBeenCalled();
});

test("an agent that refuses is quoted with its code", async () => {
  const { agent, relay } = await joined();
  agent.say({ case: "refusal", value: { code: 7, message: "the owner says no" } });
  await expect(read(relay)).rejects.toMatchObject({ code: "permission-denied", message: "the owner says no" });
});

test.each(["end", "breakOff"] as const)("an agent that goes away in the middle (%s) is told as that", async (how) => {
  const { agent, served, relay } = await joined();
  agent.say({ case: "output", value: Buffer.from("half") });
  const reading = read(relay);
  await new Promise((resolve) => setImmediate(resolve));
  agent[how]();
  await expect(reading).rejects.toMatchObject({ code: "unavailable", message: "node n1 went away in the middle" });
  relay.close();
  await served;
});

test("a user who leaves ends the agent's side at once", async () => {
  const { agent, served, relay } = await joined();
  relay.close();
  await served;
  expect(agent.stream.fail).toHaveBeenCalledTimes(1);
});

test("a relay is taken only by the node that was asked, once", async () => {
  const asked = relays.ask("n1", purpose, never);
  const relayId = ordered[0]?.relayId ?? "";
  for (const hello of [
    { relayId, nodeName: "n2" },
    { relayId: "another", nodeName: "n1" },
  ]) {
    const stranger = agentStream();
    stranger.say({ case: "hello", value: hello });
    await expect(stranger.served()).rejects.toMatchObject({ code: "not-found" });
  }
  relays.gone("n1");
  await expect(asked).rejects.toMatchObject({ code: "unavailable", message: "node n1 went away" });
  const late = agentStream();
  late.say({ case: "hello", value: { relayId, nodeName: "n1" } });
  await expect(late.served()).rejects.toMatchObject({ code: "not-found" });
});

test("a node without a session, and one that never comes, can't be reached", async () => {
  away = true;
  await expect(relays.ask("n1", purpose, never)).rejects.toMatchObject({ message: /its agent is not connected/ });
  away = false;
  vi.useFakeTimers();
  try {
    const late = (word: RelayPurpose, message: RegExp) =>
      expect(relays.ask("n1", word, never)).rejects.toMatchObject({ code: "unavailable", message });
    const silent = [purpose, doctor].map((word) => late(word, /its agent has said nothing for 10 s/));
    await vi.advanceTimersByTimeAsync(10_000);
    await Promise.all(silent);
    const asked = late(purpose, /its agent is heard, but did not come within 10 s/);
    const examined = late(doctor, /its agent is heard, but did not come within 60 s/);
    relays.heard("n2");
    relays.heard("n1");
    await vi.advanceTimersByTimeAsync(10_000);
    await asked;
    await vi.advanceTimersByTimeAsync(50_000);
    await examined;
  } finally {
    vi.useRealTimers();
  }
});

test("users of a node that stays away are told, and those of one that comes back are not", async () => {
  const { relay } = await joined();
  const reading = read(relay);
  vi.useFakeTimers();
  try {
    relays.gone("n1");
    relays.back("n1");
    await vi.advanceTimersByTimeAsync(20_000);
    relays.gone("n1");
    const told = expect(reading).rejects.toMatchObject({ code: "unavailable" });
    await vi.advanceTimersByTimeAsync(20_000);
    await told;
  } finally {
    vi.useRealTimers();
  }
});
