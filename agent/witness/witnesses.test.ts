import { createHmac } from "node:crypto";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SetWitnessesSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { until } from "../../test/fakes/until.js";
import type { Verdict } from "../core/witness.js";
import { answerDatagram, isFrom, questionDatagram, readDatagram } from "./datagram.js";
import { Witnesses } from "./witnesses.js";

const log = pino({ level: "silent" });
const answerKeyOf = (name: string) => createHmac("sha256", "a secret").update(name).digest();
const pairKey = (asked: string, asker: string) => createHmac("sha256", answerKeyOf(asked)).update(asker).digest();

class Peer {
  readonly path: string;
  readonly heard: Array<{ from: string; question: number; verdict: Verdict }> = [];
  verdict: Verdict = "gone";
  witnesses: Witnesses;

  constructor(
    readonly dir: string,
    readonly name: string,
  ) {
    this.path = join(dir, `${name}.json`);
    this.witnesses = this.fresh();
  }

  fresh(): Witnesses {
    const witnesses: Witnesses = new Witnesses(
      {
        nodeName: this.name,
        address: "127.0.0.1",
        asked: (token) => witnesses.perform({ type: "answer-witness", token, verdict: this.verdict }),
        answered: (from, question, verdict) => this.heard.push({ from, question, verdict }),
      },
      this.path,
      log,
    );
    return witnesses;
  }

  holds(version: number, ...peers: Peer[]): boolean {
    return this.witnesses.received(
      create(SetWitnessesSchema, {
        version: BigInt(version),
        leaseTtlMs: 12_000n,
        answerKey: answerKeyOf(this.name),
        members: peers.map(({ name, witnesses }) => ({
          nodeName: name,
          address: "127.0.0.1",
          port: witnesses.port,
          key: pairKey(name, this.name),
        })),
      }),
    );
  }

  ask(question: number): void {
    const members = (this.witnesses.set?.members ?? []).filter(({ name }) => name !== this.name);
    this.witnesses.perform({ type: "ask-witnesses", question, members });
  }
}

let dir: string;
let a: Peer;
let b: Peer;
let c: Peer;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "stoker-witness-"));
  [a, b, c] = [new Peer(dir, "a"), new Peer(dir, "b"), new Peer(dir, "c")];
  for (const peer of [a, b, c]) await peer.witnesses.listen(0);
  for (const peer of [a, b, c]) peer.holds(1, a, b, c);
});
afterEach(() => {
  for (const peer of [a, b, c]) peer.witnesses.close();
  rmSync(dir, { recursive: true, force: true });
});

describe("a trial", () => {
  it("tells who can't be heard, and is no question that counts", async () => {
    expect(await a.witnesses.tryAll()).toEqual({ asked: ["b", "c"], silent: [] });
    c.witnesses.close();
    expect(await a.witnesses.tryAll()).toEqual({ asked: ["b", "c"], silent: ["c"] });
    expect(a.heard).toEqual([]);
    expect(await new Peer(dir, "alone").witnesses.tryAll()).toEqual({ asked: [], silent: [] });
  });
});

/** A datagram from somebody outside; resolves with what came back within a while that a proper question would not need. */
async function send(datagram: Buffer, to: Peer): Promise<Buffer[]> {
  const socket = createSocket("udp4");
  const answers: Buffer[] = [];
  socket.on("message", (message) => answers.push(message));
  const dropped = to.witnesses.dropped;
  await new Promise((sent) => socket.send(datagram, to.witnesses.port, "127.0.0.1", sent));
  await until("the datagram was looked at", () => to.witnesses.dropped > dropped || answers.length > 0);
  socket.close();
  return answers;
}

describe("witnesses", () => {
  it("answer each other what they know", async () => {
    b.verdict = "live";
    c.verdict = "unknown";
    a.ask(7);
    await until("both answers", () => a.heard.length === 2);
    expect(a.heard).toEqual(
      expect.arrayContaining([
        { from: "b", question: 7, verdict: "live" },
        { from: "c", question: 7, verdict: "unknown" },
      ]),
    );
  });

  it("are there again after a restart, with their keys, for nobody else's eyes", async () => {
    a.witnesses.close();
    a.witnesses = a.fresh();
    expect(a.witnesses.set?.version).toBe(1);
    expect(statSync(a.path).mode & 0o077).toBe(0);
    await a.witnesses.listen(0);
    a.ask(1);
    await until("both answers", () => a.heard.length === 2);
  });

  it("are none when their file can't be read, until the coordinator sends them again", () => {
    for (const text of ["", "{", "[]", '{"set":{}}', "null"]) {
      writeFileSync(a.path, text);
      expect(a.fresh().set).toBeUndefined();
    }
    expect(a.holds(2, a, b)).toBe(true);
  });

  it("are replaced by newer ones only, and acknowledged only when they are on disk", () => {
    expect(a.holds(5, a, b)).toBe(true);
    expect(a.holds(4, a, b, c)).toBe(false);
    expect(a.witnesses.set?.version).toBe(5);
    rmSync(dir, { recursive: true });
    expect(a.holds(6, a, b)).toBe(false);
    expect(a.witnesses.set?.version).toBe(5);
  });

  it("are named anew in each session, or there are none", () => {
    a.witnesses.welcomed();
    expect(a.witnesses.set).toBeUndefined();
    expect(a.fresh().set).toBeUndefined();
    expect(a.holds(1, a, b)).toBe(true);
  });

  it("take another port where theirs is taken", async () => {
    const again = b.fresh();
    await again.listen(a.witnesses.port);
    expect(again.port).toBeGreaterThan(0);
    expect(again.port).not.toBe(a.witnesses.port);
    again.close();
  });
});

describe("a datagram", () => {
  const nonce = Buffer.alloc(16, 3);
  const question = (key: Buffer, asker = "c", asked = "b") => questionDatagram({ nonce, asker, asked }, key);

  it("that is a proper question is answered, with its nonce and under its key", async () => {
    const key = pairKey("b", "c");
    const [answer] = await send(question(key), b);
    expect(answer && isFrom(answer, key)).toBe(true);
    expect(answer && readDatagram(answer)).toEqual({ nonce, verdict: "gone" });
    expect(answer?.length).toBeLessThan(question(key).length);
  });

  it.each([
    ["under another pair's key", () => question(pairKey("b", "a"))],
    ["that names another asker", () => question(pairKey("b", "c"), "a")],
    ["meant for another", () => question(pairKey("b", "c"), "c", "a")],
    ["cut short", () => question(pairKey("b", "c")).subarray(0, -1)],
    [
      "with a byte changed",
      () => Buffer.from(question(pairKey("b", "c")).map((byte, at) => (at === 9 ? byte ^ 1 : byte))),
    ],
    ["of nothing", () => Buffer.alloc(0)],
    ["of zeros", () => Buffer.alloc(100)],
    ["far too long", () => Buffer.concat([question(pairKey("b", "c")), Buffer.alloc(2_000)])],
  ])("%s is answered by nobody", async (_, datagram) => {
    expect(await send(datagram(), b)).toEqual([]);
  });

  it("that answers under the wrong key, or what was not asked, is believed by nobody", async () => {
    b.witnesses.close();
    // It has b's place, and c's key.
    const impostor = createSocket("udp4");
    await new Promise<void>((bound) => impostor.bind(b.witnesses.port, "127.0.0.1", bound));
    impostor.on("message", (datagram, from) => {
      const said = readDatagram(datagram);
      if (!said) return;
      impostor.send(answerDatagram({ nonce: said.nonce, verdict: "gone" }, pairKey("c", "a")), from.port);
      impostor.send(answerDatagram({ nonce, verdict: "gone" }, pairKey("b", "a")), from.port);
    });
    a.ask(1);
    await until("both were dropped", () => a.witnesses.dropped === 2);
    await until("the true answer", () => a.heard.length === 1);
    expect(a.heard[0]?.from).toBe("c");
    impostor.close();
  });

  it("that is sent again counts once", async () => {
    b.witnesses.close();
    const twice = createSocket("udp4");
    await new Promise<void>((bound) => twice.bind(b.witnesses.port, "127.0.0.1", bound));
    twice.on("message", (datagram, from) => {
      const said = readDatagram(datagram);
      if (!said) return;
      const answer = answerDatagram({ nonce: said.nonce, verdict: "gone" }, pairKey("b", "a"));
      for (let time = 0; time < 2; time += 1) twice.send(answer, from.port);
    });
    a.ask(1);
    await until("the second was dropped", () => a.witnesses.dropped === 1);
    expect(a.heard.filter(({ from }) => from === "b")).toHaveLength(1);
    twice.close();
  });

  it("is told from any other by its bytes", () => {
    const key = pairKey("b", "c");
    expect(readDatagram(question(key))).toEqual({ nonce, asker: "c", asked: "b" });
    for (let length = 0; length < question(key).length; length += 1) {
      const cut = question(key).subarray(0, length);
      expect(readDatagram(cut) === undefined || !isFrom(cut, key)).toBe(true);
    }
  });

  it("of any bytes at all is read without harm, and none of them is believed", () => {
    const key = pairKey("b", "c");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), fc.boolean(), (bytes, marked) => {
        const datagram = marked ? Buffer.concat([question(key).subarray(0, 8), bytes]) : Buffer.from(bytes);
        readDatagram(datagram);
        return !isFrom(datagram, key);
      }),
    );
  });
});
