import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { until } from "../machines/until.js";
import { Wire } from "./wire.js";

let server: Server;
let wire: Wire;
let client: Socket;
let far: Socket;
const heard = { near: "", far: "" };

beforeEach(async () => {
  Object.assign(heard, { near: "", far: "" });
  server = createServer((socket) => {
    far = socket;
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes) => {
      heard.far += bytes.toString();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  wire = await Wire.open("127.0.0.1", address.port);
  client = dial();
  await says(client, "hello");
});

afterEach(async () => {
  client.destroy();
  await wire.close();
  server.close();
});

function dial(): Socket {
  const socket = connect(wire.port, "127.0.0.1");
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes) => {
    heard.near += bytes.toString();
  });
  return socket;
}

async function says(from: Socket, text: string): Promise<void> {
  const to = from === far ? ("near" as const) : ("far" as const);
  from.write(text);
  await until(`"${text}"`, async () => heard[to].endsWith(text), 10_000, 5);
}

it("lets one way through when the other is cut, and tells the rest late", async () => {
  wire.cut(["to"]);
  client.write("late");
  await says(far, "heard");
  expect(heard.far).toBe("hello");
  wire.heal(false);
  await until("the late word", async () => heard.far === "hellolate", 10_000, 5);
});

it("hides an end while it is cut, and shows it afterwards", async () => {
  wire.cut(["to", "from"]);
  far.destroy();
  // Whatever else is dialled goes nowhere either.
  const other = dial();
  other.write("nobody");
  await once(other, "connect");
  expect(client.destroyed).toBe(false);
  wire.heal(false);
  await until("the end", async () => client.destroyed, 10_000, 5);
  await until("the other's word", async () => heard.far === "hellonobody", 10_000, 5);
  other.destroy();
});

it("breaks what did not outlive it", async () => {
  wire.cut(["to", "from"]);
  client.write("lost");
  wire.heal(true);
  await until("the end", async () => client.destroyed, 10_000, 5);
  expect(heard.far).toBe("hello");
});
