import { createHmac, randomBytes } from "node:crypto";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import type { SetWitnesses } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { Verdict, WitnessEffect, WitnessSet } from "../core/witness.js";
import {
  type Answer,
  answerDatagram,
  isFrom,
  nonceBytes,
  type Question,
  questionDatagram,
  readDatagram,
} from "./datagram.js";
import { type KeyedSet, narrowSet, SetFile } from "./set-file.js";

export interface WitnessHost {
  nodeName: string;
  /** Of this node, as others know it. */
  address: string;
  /** → an effect answer-witness with this token */
  asked(token: string): void;
  answered(from: string, question: number, verdict: Verdict): void;
}

/** More questions in a second than a site has nodes are nobody's of ours. */
const questionsPerSecond = 1_000;
/** Those to which an answer may still come. */
const openMax = 1_024;
const warnEveryMs = 60_000;
/** A question that nobody counts is asked so often, for datagrams get lost, and so long apart. */
const trialsMost = 3;
const trialMs = 500;

interface Asked {
  key: Buffer;
  answered(verdict: Verdict): void;
}

/** Asks other nodes whether they hear the coordinator, and answers them: by UDP, under keys that the coordinator has given out. */
export class Witnesses {
  private readonly file: SetFile;
  private keyed: KeyedSet | undefined;
  private socket: Socket | undefined;
  private bound = 0;
  /** By nonce: what was asked of whom. */
  private readonly open = new Map<string, Asked>();
  /** By token: who waits for an answer. */
  private readonly asking = new Map<string, { question: Question; key: Buffer; from: RemoteInfo }>();
  private tokens = 0;
  private budget = { second: 0, left: questionsPerSecond };
  private warnedAt = Number.NEGATIVE_INFINITY;
  /** Datagrams that were not believed. */
  dropped = 0;

  constructor(
    private readonly host: WitnessHost,
    path: string,
    private readonly log: Logger,
  ) {
    this.file = new SetFile(path);
    this.keyed = this.file.read((why) => log.warn({ path, why }, "the stored witnesses can't be read"));
  }

  /** The one on disk. */
  get set(): WitnessSet | undefined {
    return this.keyed?.set;
  }

  /** Where others may ask; 0: nowhere. */
  get port(): number {
    return this.bound;
  }

  async listen(port: number): Promise<void> {
    try {
      await this.bind(port);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) {
        this.log.error({ err: error, port }, "nobody can be asked about the coordinator from here: no port");
        return;
      }
      await this.bind(0);
      this.log.warn({ port, instead: this.bound }, "the witness port is taken; another is used");
    }
  }

  /** A session begins, in which the coordinator says anew who may be asked, or knows nothing of it: nor may a later agent ask then. */
  welcomed(): void {
    this.keyed = undefined;
    try {
      this.file.remove();
    } catch (error) {
      this.log.error({ err: error }, "the stored witnesses could not be removed");
    }
  }

  /** True when it was new, and is on disk. */
  received(message: SetWitnesses): boolean {
    const keyed = narrowSet(message);
    if (typeof keyed === "string") {
      this.log.warn({ version: String(message.version) }, `witnesses were refused: ${keyed}`);
      return false;
    }
    if (this.keyed && keyed.set.version < this.keyed.set.version) {
      this.log.warn({ version: keyed.set.version, held: this.keyed.set.version }, "older witnesses were refused");
      return false;
    }
    try {
      this.file.write(keyed);
    } catch (error) {
      // What is not on disk is not acknowledged: the coordinator goes on reckoning with what is.
      this.log.error({ err: error }, "the witnesses could not be written down; the former ones stay");
      return false;
    }
    this.keyed = keyed;
    return true;
  }

  perform(effect: WitnessEffect): void {
    if (effect.type === "ask-witnesses") this.ask(effect);
    else this.answer(effect.token, effect.verdict);
  }

  /** Asks each witness a question that nobody counts: who is silent now can't be heard when it counts, either. */
  async tryAll(): Promise<{ asked: readonly string[]; silent: readonly string[] }> {
    const others = (this.set?.members ?? []).filter(({ name }) => name !== this.host.nodeName);
    const silent = new Set(others.map(({ name }) => name));
    for (let trial = 0; trial < trialsMost && silent.size > 0; trial += 1) {
      for (const member of others.filter(({ name }) => silent.has(name)))
        this.askOne(member, () => silent.delete(member.name));
      await pause(trialMs);
    }
    return { asked: others.map(({ name }) => name), silent: [...silent] };
  }

  close(): void {
    this.socket?.close();
    this.socket = undefined;
  }

  private bind(port: number): Promise<void> {
    const socket = createSocket(isIPv6(this.host.address) ? "udp6" : "udp4");
    return new Promise((resolve, reject) => {
      socket.once("error", (error) => {
        socket.close();
        reject(error);
      });
      socket.bind(port, () => {
        socket.removeAllListeners("error");
        socket.on("error", (error) => this.log.warn({ err: error }, "the witness port complains"));
        socket.on("message", (datagram, from) => this.take(datagram, from));
        // What else runs here keeps this process alive, or nothing does.
        socket.unref();
        this.socket = socket;
        this.bound = socket.address().port;
        resolve();
      });
    });
  }

  private ask({ question, members }: Extract<WitnessEffect, { type: "ask-witnesses" }>): void {
    if (performance.now() - this.warnedAt > warnEveryMs) {
      this.log.warn({ witnesses: members.map(({ name }) => name) }, "the coordinator does not answer: asking others");
      this.warnedAt = performance.now();
    }
    for (const member of members) {
      this.askOne(member, (verdict) => this.host.answered(member.name, question, verdict));
    }
  }

  private askOne({ name, address, port }: WitnessSet["members"][number], answered: Asked["answered"]): void {
    const key = this.keyed?.keys.get(name);
    if (!key) return;
    const nonce = randomBytes(nonceBytes);
    this.open.set(nonce.toString("hex"), { key, answered });
    this.send(questionDatagram({ nonce, asker: this.host.nodeName, asked: name }, key), port, address);
    for (const oldest of this.open.keys()) {
      if (this.open.size <= openMax) break;
      this.open.delete(oldest);
    }
  }

  private answer(token: string, verdict: Verdict): void {
    const waiting = this.asking.get(token);
    if (!waiting) return;
    this.asking.delete(token);
    const { question, key, from } = waiting;
    this.send(answerDatagram({ nonce: question.nonce, verdict }, key), from.port, from.address);
  }

  private take(datagram: Buffer, from: RemoteInfo): void {
    const said = readDatagram(datagram);
    const believed =
      said && ("verdict" in said ? this.takeAnswer(datagram, said) : this.takeQuestion(datagram, said, from));
    if (!believed) this.dropped += 1;
  }

  private takeAnswer(datagram: Buffer, { nonce, verdict }: Answer): boolean {
    const id = nonce.toString("hex");
    const waited = this.open.get(id);
    if (!waited || !isFrom(datagram, waited.key)) return false;
    // A second answer to the same question is none.
    this.open.delete(id);
    waited.answered(verdict);
    return true;
  }

  private takeQuestion(datagram: Buffer, question: Question, from: RemoteInfo): boolean {
    if (!this.keyed || question.asked !== this.host.nodeName || !this.affordable()) return false;
    const key = createHmac("sha256", this.keyed.answerKey).update(question.asker).digest();
    if (!isFrom(datagram, key)) return false;
    this.tokens += 1;
    const token = String(this.tokens);
    this.asking.set(token, { question, key, from });
    this.host.asked(token);
    this.asking.delete(token);
    return true;
  }

  /** A flood must not keep the agent from its heartbeats. */
  private affordable(): boolean {
    const second = Math.floor(performance.now() / 1_000);
    if (this.budget.second !== second) this.budget = { second, left: questionsPerSecond };
    this.budget.left -= 1;
    return this.budget.left >= 0;
  }

  private send(datagram: Buffer, port: number, address: string): void {
    this.socket?.send(datagram, port, address, (error) => {
      // An answer that does not come says enough: it is asked again.
      if (error) this.log.debug({ err: error, address, port }, "a witness could not be reached");
    });
  }
}
