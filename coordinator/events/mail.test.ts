import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { afterEach, expect, it } from "vitest";
import { subscriptionId } from "../../shared/ids.js";
import { until } from "../../test/fakes/until.js";
import type { Outgoing } from "../core/announcements/announcement.js";
import type { MailTarget, Subscription } from "../core/announcements/subscription.js";
import { letterOf, type MailSettings, sendMail } from "./mail.js";
import { MailChannel } from "./mail-channel.js";

const servers: SMTPServer[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise<void>((resolve) => server.close(resolve));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function mailServer(options: SMTPServerOptions): Promise<{ letters: string[]; port: number }> {
  const letters: string[] = [];
  const server = new SMTPServer({
    ...options,
    logger: false,
    onData: (stream, _session, done) => {
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
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { letters, port: (server.server.address() as AddressInfo).port };
}

const plainServer: SMTPServerOptions = { authOptional: true, disabledCommands: ["STARTTLS", "AUTH"] };
const settingsAt = (port: number, more: Partial<MailSettings> = {}): MailSettings => ({
  ...{ host: "127.0.0.1", port, security: "none", user: "", passwordFile: "", from: "stoker@lab.example", ...more },
});
const eventOf = (number: number, message = `job j${number} has failed`): Outgoing => ({
  ...{ number, id: `job-failed.${number}`, kind: "job-failed", at: Date.UTC(2026, 0, 31), subject: "s", message },
  ...{ scope: {}, data: { job: `j${number}` }, pending: [] },
});
const target: MailTarget = { kind: "mail", addresses: ["ann@lab.example", "bob@lab.example"] };

it("one event is a mail by its template, whose subject can't begin another header", async () => {
  const { letters, port } = await mailServer(plainServer);
  const odd = eventOf(1, "job j has failed:\r\nBcc: eve@lab.example");
  const own = { ...target, template: "Subject: ${kind} of ${job} ${message}\n\nSee ${subject}.\n" };
  const letter = letterOf(own, [odd], 3, "lab");
  expect(await sendMail(settingsAt(port), target.addresses, letter)).toMatch(/answered 250/);
  const [head = "", ...rest] = (letters[0] ?? "").split("\r\n\r\n");
  const body = rest.join("\n\n");
  expect(head.replace(/\r\n\s+/g, " ")).toContain("Subject: job-failed of j1 job j has failed: Bcc: eve@lab.example");
  expect(head).not.toMatch(/^Bcc:/m);
  expect(head).toMatch(/^To: ann@lab\.example, bob@lab\.example$/m);
  expect(head).toMatch(/^Auto-Submitted: auto-generated$/m);
  expect(body).toMatch(/^See s\./);
  expect(body).toContain("3 earlier events could not be delivered.");
  expect(letterOf(own, [odd], 0, "lab").messageId).toBe(letter.messageId);
});

it("the server's own TLS is asked for, and a server without it gets nothing", async () => {
  const { letters, port } = await mailServer(plainServer);
  const letter = letterOf(target, [eventOf(1)], 0, "lab");
  await expect(sendMail(settingsAt(port, { security: "starttls" }), ["a@b"], letter)).rejects.toThrow(/STARTTLS/);
  expect(letters).toEqual([]);
});

it("who signs in does it with the file's password, and a wrong one is told without it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stoker-mail-"));
  folders.push(folder);
  const passwordFile = join(folder, "password");
  const { letters, port } = await mailServer({
    ...{ disabledCommands: ["STARTTLS"], allowInsecureAuth: true },
    onAuth: ({ username, password }, _session, done) =>
      password === "right-one" ? done(null, { user: username }) : done(new Error("wrong")),
  });
  const letter = letterOf(target, [eventOf(1)], 0, "lab");
  writeFileSync(passwordFile, "wrong-one\n");
  const settings = settingsAt(port, { user: "stoker", passwordFile });
  const refused = await sendMail(settings, ["a@b"], letter).catch((error: Error) => error);
  expect(String(refused)).not.toContain("wrong-one");
  expect(letters).toHaveLength(0);
  writeFileSync(passwordFile, "right-one\n");
  await sendMail(settings, ["a@b"], letter);
  expect(letters).toHaveLength(1);
});

it("many events within a minute share a mail; what fails is tried again, and given up after its time", async () => {
  const settled: string[] = [];
  const sent: string[][] = [];
  const events = new Map<number, Outgoing>();
  const subscription: Subscription = {
    ...{ uuid: subscriptionId("s"), name: "s", createdAt: 0, owner: "", kinds: [], target, missed: 0, missedEver: 0 },
  };
  let fails = true;
  const now = () => Date.UTC(2026, 0, 31) + 5_000;
  const channel = new MailChannel(
    "s",
    {
      now,
      giveUpMs: 10_000,
      subscription: () => subscription,
      event: (number) => events.get(number),
      settle: (number, outcome) => settled.push(`${number} ${outcome}`),
      warn: () => undefined,
    },
    async (_, mailed) => {
      sent.push(mailed.map(({ id }) => id));
      if (fails) throw new (await import("./undelivered.js")).Undelivered("no route");
      return "ok";
    },
    { gatherMs: 20, digestMs: 50, backOffFirstMs: 20 },
  );
  const old = { ...eventOf(1), at: Date.UTC(2026, 0, 30) };
  for (const event of [old, eventOf(2), eventOf(3)]) {
    events.set(event.number, event);
    channel.add(event);
  }
  await until("the old one is given up", () => settled.length > 0 || undefined);
  expect(settled).toEqual(["1 given-up"]);
  expect(channel.status).toMatchObject({ waiting: 2, lastError: "no route" });
  fails = false;
  await until("the others are sent", () => settled.length === 3 || undefined);
  expect(sent[0]).toEqual(["job-failed.1", "job-failed.2", "job-failed.3"]);
  expect(sent.at(-1)).toEqual(["job-failed.2", "job-failed.3"]);
  expect(settled.slice(1)).toEqual(["2 delivered", "3 delivered"]);
  channel.stop();
});
