import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { FrameTurns } from "./frame-turns.js";
import { TurnedSocket } from "./turned-socket.js";

const closers: Array<() => void> = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function pair(): Promise<{ client: Socket; served: TurnedSocket }> {
  const turns = new FrameTurns(4, 2);
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const client = connect({ port: address.port, host: "127.0.0.1", allowHalfOpen: true });
  client.on("error", () => undefined);
  const [socket] = (await once(server, "connection")) as [Socket];
  const served = new TurnedSocket(socket, turns);
  closers.push(() => {
    client.destroy();
    served.destroy();
    server.close();
  });
  return { client, served };
}

const frames = (() => {
  const all = [Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")];
  for (let at = 0; at < 2_000; at += 1) {
    const frame = Buffer.alloc(9 + (at % 700), at);
    frame.writeUIntBE(at % 700, 0, 3);
    all.push(frame);
  }
  return Buffer.concat(all);
})();

it("hands on every byte, then the end, and after it still takes what is written", { timeout: 60_000 }, async () => {
  const { client, served } = await pair();
  client.end(frames);
  const received: Buffer[] = [];
  for await (const chunk of served.iterator({ destroyOnReturn: false })) {
    received.push(chunk);
    // A reader who is slow now and then.
    if (received.length % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(Buffer.concat(received).equals(frames)).toBe(true);
  const answer = Buffer.alloc(3_000_000, "answer");
  served.cork();
  for (let at = 0; at < answer.length; at += 100_000) served.write(answer.subarray(at, at + 100_000));
  served.uncork();
  served.end();
  const answered: Buffer[] = [];
  for await (const chunk of client) answered.push(chunk);
  expect(Buffer.concat(answered).equals(answer)).toBe(true);
  if (!served.destroyed) await once(served, "close");
});

it("a peer that doesn't read holds the writer back", { timeout: 60_000 }, async () => {
  const { client, served } = await pair();
  client.pause();
  let written = 0;
  const limit = 400_000_000;
  const write = () => {
    while (written < limit) {
      written += 1_000_000;
      if (!served.write(Buffer.alloc(1_000_000))) break;
    }
  };
  served.on("drain", write);
  write();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(written).toBeLessThan(limit);
});

it.each(["resetAndDestroy", "destroy"] as const)(
  "a peer that is gone (%s) closes it, which is no error",
  async (how) => {
    const { client, served } = await pair();
    served.on("error", (error) => expect.unreachable(String(error)));
    served.resume();
    client.write(frames.subarray(0, 5_000));
    const closed = once(served, "close");
    // As HTTP/2 does at the end, when there is one.
    served.once("end", () => {
      served.write(Buffer.alloc(10));
      served.end();
    });
    client[how]();
    await closed;
  },
);

it("closing it closes the connection", async () => {
  const { client, served } = await pair();
  client.resume();
  served.destroy();
  await once(client, "end");
});
