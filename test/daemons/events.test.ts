import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { SMTPServer } from "smtp-server";
import { afterEach, beforeEach, expect, it } from "vitest";
import { EventService } from "../../shared/gen/stoker/v1/event_service_pb.js";
import { SecretService } from "../../shared/gen/stoker/v1/secret_service_pb.js";
import { CoordinatorProcess, inExperiment, tinyJob } from "../fakes/coordinator-process.js";
import { until } from "../fakes/until.js";

const cli = resolve(import.meta.dirname, "../../dist/stoker.js");

interface Got {
  id: string;
  type: string;
  subject: string;
  data: Record<string, unknown>;
}

/** A receiver that takes events, or does not. */
class Receiver {
  readonly got: Got[] = [];
  readonly raw: Array<{ headers: IncomingHttpHeaders; body: string }> = [];
  answer: (response: ServerResponse, event: Got) => void = (response) => response.end("ok");
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      let body = "";
      request.on("data", (piece: Buffer) => {
        body += piece.toString();
      });
      request.on("end", () => {
        const event = JSON.parse(body) as Got;
        this.got.push(event);
        this.raw.push({ headers: request.headers, body });
        this.answer(response, event);
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

let coordinator: CoordinatorProcess;
let receiver: Receiver;
let url: string;
let mails: SMTPServer | undefined;
beforeEach(async () => {
  coordinator = new CoordinatorProcess();
  receiver = new Receiver();
  url = await receiver.listen();
});
afterEach(async () => {
  receiver.close();
  mails?.close();
  mails = undefined;
  await coordinator.dispose();
});

const events = () => coordinator.client(EventService);
const stoker = async (...words: string[]) => {
  const env = {
    ...process.env,
    STOKER_COORDINATOR: coordinator.address,
    STOKER_TOKEN: coordinator.token,
    STOKER_TLS: "off",
  };
  const { stdout } = await promisify(execFile)(process.execPath, [cli, ...words], { env });
  return stdout;
};
/** Each of which is told of as submitted and as terminated. */
async function jobs(...names: string[]): Promise<void> {
  for (const name of names) {
    await coordinator.jobs.createJob({ ...inExperiment, name, spec: tinyJob() });
    await coordinator.jobs.terminateJob({ id: `${inExperiment.parent}/jobs/${name}` });
  }
}
const kindsOf = (name: string) => receiver.got.filter(({ data }) => data.job === name).map(({ type }) => type);
const both = ["stoker.job-queued", "stoker.job-terminated"];

it("events come signed and in order, and what was told is listed", async () => {
  await coordinator.start();
  await coordinator.furnish();
  await coordinator.client(SecretService).setSecret({ parent: "workspaces/w", name: "key", value: "s3cret" });
  const made = await stoker("event", "subscribe", "hook", "-w", "w", "--webhook", url, "--secret", "key", "-o", "json");
  expect(JSON.parse(made)).toMatchObject({
    id: "workspaces/w/subscriptions/hook",
    webhook: { url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/…$/), secret: "stoker://w/key" },
  });
  await jobs("a", "b");
  await until("all have come", () => receiver.got.length === 4 || undefined);
  expect([kindsOf("a"), kindsOf("b")]).toEqual([both, both]);
  for (const { headers, body } of receiver.raw) {
    const [, at, mac] = /^t=(\d+),v1=(.*)$/.exec(String(headers["stoker-signature"])) ?? [];
    expect(createHmac("sha256", "s3cret").update(`${at}.${body}`).digest("hex")).toBe(mac);
  }
  expect(await stoker("event", "test", "hook", "-w", "w")).toMatch(/^delivered: .* answered 200: ok$/m);
  expect(receiver.got.at(-1)?.type).toBe("stoker.test");
  const listed = JSON.parse(
    await stoker("event", "list", "-w", "w", "--since", "1h", "--kind", "job-terminated", "-o", "json"),
  );
  expect(listed.map(({ message }: { message: string }) => message)).toEqual([
    expect.stringMatching(/^job a was terminated/),
    expect.stringMatching(/^job b was terminated/),
  ]);
  expect(await stoker("event", "subscriptions", "--lab")).toMatch(/hook +w +all +http:\/\/127/);
  expect(await stoker("event", "kinds")).toMatch(/^job-failed +error/m);
  await expect(stoker("event", "subscribe", "-w", "w", "--webhook", url, "--template", "/dev/null")).rejects.toThrow(
    /is empty/,
  );
  await stoker("event", "delete", "hook", "-w", "w", "-y");
  await jobs("c");
  expect(kindsOf("c")).toEqual([]);
});

it("a receiver that fails, says nothing, or is not there gets all in the end, also past kills of the coordinator", async () => {
  await coordinator.start();
  await coordinator.furnish();
  const trouble = ["fail", "hang"];
  receiver.answer = (response) => {
    const what = trouble.shift();
    if (what === "fail") response.writeHead(500).end();
    else if (what !== "hang") response.end();
  };
  const webhook = { url };
  await events().createEventSubscription({ name: "hook", target: { case: "webhook", value: webhook } });
  await jobs("a");
  await until("the second is asked", () => trouble.length === 0 || undefined);
  // Committed, and on its way or not: nobody can know.
  await coordinator.end("SIGKILL");
  await coordinator.start();
  await jobs("b");
  await coordinator.end("SIGKILL");
  await coordinator.start();
  await until("all have come", () => new Set(receiver.got.map(({ id }) => id)).size === 4 || undefined);
  for (const name of ["a", "b"]) {
    const ids = receiver.got.filter(({ data }) => data.job === name).map(({ id }) => id);
    expect(ids.map((id) => id.split(".")[0])).toEqual([...ids.map((id) => id.split(".")[0])].sort());
    expect(new Set(ids).size).toBe(2);
  }
  const settled = async () => {
    const { subscription } = await events().getEventSubscription({ id: "hook" });
    return subscription?.pendingCount === 0 || undefined;
  };
  await until("the coordinator knows it", settled);
  const before = receiver.got.length;
  await coordinator.end("SIGTERM");
  await coordinator.start();
  await jobs("c");
  await until("a later one has come", () => kindsOf("c").length === 2 || undefined);
  expect(receiver.got.length).toBe(before + 2);
});

it("mails go by the lab's server", async () => {
  const letters: string[] = [];
  mails = new SMTPServer({
    ...{ authOptional: true, disabledCommands: ["STARTTLS", "AUTH"], logger: false },
    onData: (stream, _, done) => {
      let text = "";
      stream.on("data", (piece: Buffer) => {
        text += piece.toString();
      });
      stream.on("end", () => {
        letters.push(text);
        done();
      });
    },
  });
  const server = mails;
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.server.address() as AddressInfo;
  await coordinator.start();
  await coordinator.furnish();
  await expect(stoker("event", "subscribe", "--lab", "--mail", "ann@lab.example")).rejects.toThrow(/--smtp-host/);
  await coordinator.end("SIGTERM");
  const smtp = ["--smtp-host", "127.0.0.1", "--smtp-port", String(port), "--smtp-security", "none"];
  await coordinator.start([...smtp, "--smtp-from", "stoker@lab.example"]);
  await stoker("event", "subscribe", "me", "--lab", "--mail", "ann@lab.example", "--kind", "job-queued,job-terminated");
  expect(await stoker("event", "test", "me", "--lab")).toMatch(/^delivered: 127\.0\.0\.1 answered 250/);
  await jobs("a", "b");
  await until("they are mailed", () => letters.length === 2 || undefined);
  expect(letters[0]).toMatch(/^Subject: \[stoker\] this is a test of subscription me/m);
  expect(letters[1]).toMatch(/^Subject: \[stoker\] 4 events/m);
  expect(letters[1]).toMatch(/job a was submitted[\s\S]*job a was terminated[\s\S]*job b was submitted/);
});
