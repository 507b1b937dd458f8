import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { Logger } from "pino";
import { Fault } from "../shared/fault.js";
import type { Telemetry } from "../shared/gen/stoker/v1/node_pb.js";
import type { EventPorts } from "./api/ports.js";
import { isAdministrator } from "./core/access/caller.js";
import type { Change } from "./core/changes.js";
import type { Event } from "./core/events.js";
import type { State } from "./core/memory.js";
import type { Settings } from "./core/settings.js";
import { admitUrl } from "./events/admit-url.js";
import { Dispatcher } from "./events/dispatcher.js";
import type { MailSettings } from "./events/mail.js";
import type { Vault } from "./secrets/vault.js";
import { CounterSinks } from "./sinks/counter-sinks.js";
import { Tracing } from "./traces/tracing.js";

/** What goes out to the world beside agents and users, as settings say it. */
export interface OutwardSettings {
  webhookHosts: readonly string[];
  webhookProxy: string | undefined;
  /** PEM file, of receivers and of the mail server. */
  outwardCaFile: string | undefined;
  smtpHost: string | undefined;
  smtpPort: number;
  smtpSecurity: MailSettings["security"];
  smtpUser: string;
  smtpPasswordFile: string;
  smtpFrom: string | undefined;
  /** Absent: no traces. */
  otlpEndpoint: string | undefined;
  otlpHeadersFile: string | undefined;
  counterSinks: Record<string, string>;
  counterSeconds: number;
  /** An event that could not be delivered for so long is given up. */
  eventGiveUp: number | undefined;
}

export const noOutward: OutwardSettings = {
  ...{ webhookHosts: [], webhookProxy: undefined, outwardCaFile: undefined, smtpHost: undefined, smtpPort: 0 },
  ...{ smtpSecurity: "starttls", smtpUser: "", smtpPasswordFile: "", smtpFrom: undefined, eventGiveUp: undefined },
  ...{ otlpEndpoint: undefined, otlpHeadersFile: undefined, counterSinks: {}, counterSeconds: 60 },
};

export interface OutwardParts {
  settings: OutwardSettings;
  /** Names this coordinator: its address. */
  lab: string;
  state(): State;
  now(): number;
  tell(event: Event): void;
  vault: Vault;
  telemetry(node: string): Telemetry | undefined;
  /** Of the certificate that nothing renews by itself; there may be none. */
  authorityFile: string;
  /** Why the disk takes nothing new. */
  room: { readonly low: string | undefined };
  log: Logger;
}

const dayMs = 86_400_000;
const webhookTimeoutMs = 10_000;
const watchMs = 5_000;
const certificateWatchMs = dayMs / 4;
/** An authority is changed by hand, on every machine: that takes a while. */
const certificateWarnMs = 90 * dayMs;

/** Joins what tells the world of the lab: events, and what the shell itself has to announce. */
export class Outward {
  readonly dispatcher: Dispatcher;
  private readonly traces: Tracing | undefined;
  private readonly sinks: CounterSinks | undefined;
  private lowSince: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private certificateTimer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: OutwardParts) {
    const { settings, state, now, tell, lab, log } = parts;
    const ca =
      settings.outwardCaFile === undefined ? {} : { ca: readText("--outward-ca-file", settings.outwardCaFile) };
    const mail = mailOf(settings);
    const proxy = settings.webhookProxy === undefined ? {} : { proxy: proxyOf(settings.webhookProxy) };
    this.dispatcher = new Dispatcher({
      ...{ state, now, tell, lab, log },
      open: (key) => this.open(key),
      webhooks: { hosts: settings.webhookHosts, timeoutMs: webhookTimeoutMs, ...proxy, ...ca },
      ...(mail ? { mail: { ...mail, ...ca } } : {}),
      giveUpMs: settings.eventGiveUp ?? dayMs,
    });
    const { otlpEndpoint, otlpHeadersFile, counterSinks, counterSeconds } = settings;
    const headers = otlpHeadersFile === undefined ? {} : headersIn("--otlp-headers-file", otlpHeadersFile);
    if (otlpEndpoint !== undefined) {
      const endpoint = httpUrl("--otlp-endpoint", otlpEndpoint);
      this.traces = new Tracing({ state, now, endpoint, headers, instance: lab, log, ...ca });
    }
    for (const [name, url] of Object.entries(counterSinks)) httpUrl(`--counter-sinks ${name}`, url);
    if (Object.keys(counterSinks).length > 0) {
      const pushMs = Math.max(counterSeconds, 1) * 1000;
      this.sinks = new CounterSinks({ state, now, telemetry: parts.telemetry, headers, pushMs, log, ...ca });
    }
  }

  /** What is committed is looked at by whoever makes traces of it. */
  watch<T extends { commit(changes: readonly Change[]): void }>(rows: T): T {
    return this.traces?.watch(rows) ?? rows;
  }

  /** An agent's word, on its way to the engine. */
  heard(event: Event): void {
    if (event.kind === "agent-heartbeat") this.traces?.heard(event.node, event.heartbeat);
  }

  logsStored({ jobUuid, attempt }: { jobUuid: string; attempt: number }): void {
    this.traces?.logsStored(jobUuid, attempt);
  }

  /** What the core has to know of it. */
  get coreSettings(): Pick<Settings, "traced" | "counterSinks"> {
    return { traced: this.traces !== undefined, counterSinks: this.parts.settings.counterSinks };
  }

  get eventPorts(): EventPorts {
    const { settings } = this.parts;
    return {
      status: (uuid) => this.dispatcher.status(uuid),
      test: (uuid, event) => this.dispatcher.test(uuid, event),
      admitUrl: (url, local) => admitUrl(url, local, settings.webhookHosts),
      admitMail: () => {
        if (settings.smtpHost !== undefined) return;
        throw new Fault(
          "failed-precondition",
          "this coordinator sends no mail: its operator sets --smtp-host and --smtp-from",
        );
      },
      mayReachOwn: ({ caller }) => caller.kind === "user" && isAdministrator(this.parts.state(), caller),
    };
  }

  start(): void {
    this.dispatcher.start();
    this.traces?.start();
    this.sinks?.start();
    this.timer = setInterval(() => this.watchDisk(), watchMs);
    this.timer.unref();
    this.watchAuthority();
    this.certificateTimer = setInterval(() => this.watchAuthority(), certificateWatchMs);
    this.certificateTimer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    clearInterval(this.certificateTimer);
    this.dispatcher.stop();
    this.sinks?.stop();
    await this.traces?.stop();
  }

  /** Told again while it lasts: the disk may be too full for the telling. */
  private watchDisk(): void {
    const { room, now, tell } = this.parts;
    if (room.low === undefined) {
      this.lowSince = undefined;
      return;
    }
    const since = this.lowSince ?? now();
    this.lowSince = since;
    const message = `the coordinator's disk is nearly full: ${room.low}`;
    const told = { what: "disk-low", key: String(since), message, data: { reason: room.low } } as const;
    if (!this.parts.state().index.announced.has(`disk-low.${since}`)) tell({ kind: "announce", told });
  }

  /** Told once for each certificate, as long as the telling is known. */
  private watchAuthority(): void {
    const { authorityFile, now, tell } = this.parts;
    const found = expiryOf(authorityFile);
    if (!found || found.at - now() > certificateWarnMs) return;
    const reason = `the certificate of the coordinator's authority runs out on ${new Date(found.at).toISOString().slice(0, 10)}`;
    const message = `${reason}: after that no machine and no user believes the coordinator`;
    tell({ kind: "announce", told: { what: "certificate-expiring", key: found.serial, message, data: { reason } } });
  }

  private open(key: string): string {
    const secret = this.parts.state().secrets.get(key);
    if (!secret) throw new Fault("not-found", `the secret ${key.split(" ")[1]} was deleted: set it again`);
    return this.parts.vault.openText(key, secret.sealed);
  }
}

/** Undefined where there is no such certificate: connections are not encrypted then. */
export function expiryOf(file: string): { serial: string; at: number } | undefined {
  if (!existsSync(file)) return undefined;
  const { serialNumber: serial, validTo } = new X509Certificate(readFileSync(file));
  return { serial, at: Date.parse(validTo) };
}

function mailOf(settings: OutwardSettings): MailSettings | undefined {
  const { smtpHost: host, smtpFrom: from, smtpPort, smtpSecurity: security, smtpUser: user } = settings;
  if (host === undefined) return undefined;
  if (from === undefined)
    throw new Fault("invalid-argument", "--smtp-from: is required with --smtp-host: the sender's address");
  const port = smtpPort === 0 ? { starttls: 587, tls: 465, none: 25 }[security] : smtpPort;
  return { host, from, port, security, user, passwordFile: settings.smtpPasswordFile };
}

function proxyOf(text: string): URL {
  if (URL.canParse(text) && new URL(text).protocol === "http:") return new URL(text);
  throw new Fault("invalid-argument", "--webhook-proxy: is not of the form http://HOST:PORT");
}

function httpUrl(setting: string, text: string): URL {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text);
  throw new Fault("invalid-argument", `${setting}: is not of the form http://HOST:4318`);
}

/** `NAME: VALUE` lines; values are secrets, and in no message. */
function headersIn(setting: string, file: string): Record<string, string> {
  const lines = readText(setting, file).split("\n");
  return Object.fromEntries(
    lines.flatMap((line, at) => {
      if (line.trim() === "" || line.startsWith("#")) return [];
      const [, name, value] = /^([A-Za-z0-9_-]+):\s*(.*?)\s*$/.exec(line) ?? [];
      if (name === undefined) throw new Fault("invalid-argument", `${setting}: line ${at + 1} is not NAME: VALUE`);
      return [[name, value ?? ""]];
    }),
  );
}

function readText(setting: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Fault("invalid-argument", `${setting}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
