import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { SetWitnesses } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { WitnessSet } from "../core/witness.js";

/** A set with the keys to it. */
export interface KeyedSet {
  readonly set: WitnessSet;
  /** Proves what this node answers. */
  readonly answerKey: Buffer;
  /** By witness: of the pair of it and this node. */
  readonly keys: ReadonlyMap<string, Buffer>;
}

const membersMax = 100;
const keyBytes = 32;
const longestTtlMs = 3_600_000;

/** What the coordinator sent, or in words what is wrong with it. */
export function narrowSet({ version, leaseTtlMs, answerKey, members }: SetWitnesses): KeyedSet | string {
  const ttlMs = Number(leaseTtlMs);
  if (version < 1n || version > BigInt(Number.MAX_SAFE_INTEGER)) return `${version} can't be its version`;
  if (!(ttlMs > 0 && ttlMs <= longestTtlMs)) return `a permit can't last ${ttlMs} ms`;
  if (members.length > membersMax) return `it has ${members.length} members`;
  if (answerKey.length !== keyBytes || members.some(({ key }) => key.length !== keyBytes)) return "it lacks a key";
  if (members.some(({ port }) => port < 1 || port > 65_535)) return "a port of it can't be";
  if (new Set(members.map(({ nodeName }) => nodeName)).size < members.length) return "it has a member twice";
  return {
    set: {
      version: Number(version),
      ttlMs,
      members: members.map(({ nodeName, address, port }) => ({ name: nodeName, address, port })),
    },
    answerKey: Buffer.from(answerKey),
    keys: new Map(members.map(({ nodeName, key }) => [nodeName, Buffer.from(key)])),
  };
}

/**
 * The newest set, for a restarted agent: it may have to ask before it hears the coordinator again. Not synced: after a power cut nothing of
 * this node runs that could need it.
 */
export class SetFile {
  constructor(private readonly path: string) {}

  /** Throws what the disk says. */
  write({ set, answerKey, keys }: KeyedSet): void {
    const text = JSON.stringify({
      set,
      answerKey: answerKey.toString("base64"),
      keys: [...keys].map(([name, key]) => [name, key.toString("base64")]),
    });
    writeFileSync(`${this.path}.new`, `${sumOf(text)}\n${text}`, { mode: 0o600 });
    renameSync(`${this.path}.new`, this.path);
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }

  /** Undefined when there is none, or none that can be read: then there is nobody to ask until the coordinator sends another. */
  read(unreadable: (why: string) => void): KeyedSet | undefined {
    let text: string;
    try {
      text = readFileSync(this.path, "utf8");
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) unreadable(String(error));
      return undefined;
    }
    const found = parse(text);
    if (!found) unreadable("it is torn or was changed");
    return found;
  }
}

const sumOf = (text: string) => createHash("sha256").update(text).digest("hex");

function parse(whole: string): KeyedSet | undefined {
  const [sum, text = ""] = whole.split("\n");
  // A set that lost a member would find its majority among fewer.
  return whole === `${sum}\n${text}` && sumOf(text) === sum ? parseSet(text) : undefined;
}

function parseSet(text: string): KeyedSet | undefined {
  try {
    const { set, answerKey, keys } = JSON.parse(text) as {
      set: WitnessSet;
      answerKey: string;
      keys: Array<[string, string]>;
    };
    const keyed: KeyedSet = {
      set,
      answerKey: Buffer.from(answerKey, "base64"),
      keys: new Map(keys.map(([name, key]) => [name, Buffer.from(key, "base64")])),
    };
    const whole =
      Number.isSafeInteger(set.version) &&
      set.ttlMs > 0 &&
      set.members.every(({ name, address, port }) => keyed.keys.has(name) && address !== "" && Number.isInteger(port));
    return whole ? keyed : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
