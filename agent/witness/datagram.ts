import { createHmac, timingSafeEqual } from "node:crypto";
import type { Verdict } from "../core/witness.js";

/**
 * What nodes say to one another about the coordinator, one datagram each:
 *
 *   question   "STOKERQ1"  nonce (16)  length and name of the asker  length and name of the asked  HMAC-SHA-256 (32)
 *   answer     "STOKERA1"  nonce (16)  verdict (1)                                                 HMAC-SHA-256 (32)
 *
 * The HMAC is over all before it, under the key of the pair. An answer is shorter than its question, so nobody's traffic is multiplied by us.
 */
export interface Question {
  readonly nonce: Buffer;
  readonly asker: string;
  readonly asked: string;
}

export interface Answer {
  readonly nonce: Buffer;
  readonly verdict: Verdict;
}

const questionMark = Buffer.from("STOKERQ1");
const answerMark = Buffer.from("STOKERA1");
export const nonceBytes = 16;
const macBytes = 32;
const head = questionMark.length + nonceBytes;
const longest = head + 2 * 256 + macBytes;
const verdicts: readonly Verdict[] = ["live", "gone", "unknown"];

export function questionDatagram({ nonce, asker, asked }: Question, key: Uint8Array): Buffer {
  return sealed([questionMark, nonce, named(asker), named(asked)], key);
}

export function answerDatagram({ nonce, verdict }: Answer, key: Uint8Array): Buffer {
  return sealed([answerMark, nonce, Buffer.from([verdicts.indexOf(verdict)])], key);
}

/** What it says, as yet believed by nobody: see `isFrom`. Undefined when it is nothing of ours. */
export function readDatagram(datagram: Buffer): Question | Answer | undefined {
  if (datagram.length < head + 1 + macBytes || datagram.length > longest) return undefined;
  const mark = datagram.subarray(0, questionMark.length);
  const nonce = datagram.subarray(questionMark.length, head);
  const body = datagram.subarray(head, -macBytes);
  if (mark.equals(answerMark)) {
    const verdict = body.length === 1 ? verdicts[body[0] ?? verdicts.length] : undefined;
    return verdict && { nonce, verdict };
  }
  if (!mark.equals(questionMark)) return undefined;
  const asker = nameAt(body, 0);
  const asked = asker && nameAt(body, asker.end);
  return asked && asked.end === body.length ? { nonce, asker: asker.name, asked: asked.name } : undefined;
}

export function isFrom(datagram: Buffer, key: Uint8Array): boolean {
  const mac = datagram.subarray(-macBytes);
  return mac.length === macBytes && timingSafeEqual(mac, macOf(datagram.subarray(0, -macBytes), key));
}

const macOf = (bytes: Uint8Array, key: Uint8Array) => createHmac("sha256", key).update(bytes).digest();

function sealed(parts: readonly Buffer[], key: Uint8Array): Buffer {
  const bytes = Buffer.concat(parts);
  return Buffer.concat([bytes, macOf(bytes, key)]);
}

function named(name: string): Buffer {
  const bytes = Buffer.from(name).subarray(0, 255);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function nameAt(body: Buffer, at: number): { name: string; end: number } | undefined {
  const length = body[at];
  if (length === undefined || length === 0 || at + 1 + length > body.length) return undefined;
  const end = at + 1 + length;
  return { name: body.toString("utf8", at + 1, end), end };
}
