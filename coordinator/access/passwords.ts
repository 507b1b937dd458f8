import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { Fault } from "../../shared/fault.js";

/** 32 MiB and some 60 ms for each try. */
const cost = { N: 2 ** 15, r: 8, p: 1 };
const keyBytes = 32;
/** At one time; each takes a thread and its memory. */
const atOnce = 2;

const lengthLeast = 8;
const lengthMost = 1_024;

/** Hashes passwords, a few at a time: nobody can keep the coordinator busy with wrong ones. */
export class Passwords {
  private running = 0;
  private readonly waiting: Array<() => void> = [];
  /** When so many wait for their turn, more are sent away. */
  constructor(private readonly waitingMost = 32) {}

  /** Compared with where there is nobody of that name, so that it takes as long. */
  private nobody: Promise<string> | undefined;

  /** `scrypt$N$r$p$salt$key` */
  async hash(password: string): Promise<string> {
    const letters = [...password].length;
    if (letters < lengthLeast || letters > lengthMost) {
      throw new Fault(
        "invalid-argument",
        `password: has ${letters} characters; it must have ${lengthLeast} to ${lengthMost}`,
      );
    }
    return this.hashed(password);
  }

  /** `hash` undefined: false, and no sooner than otherwise. */
  async matches(password: string, hash: string | undefined): Promise<boolean> {
    const [, N, r, p, salt = "", key = ""] = (hash ?? (await this.hashOfNobody())).split("$");
    const expected = Buffer.from(key, "base64url");
    const options = { N: Number(N), r: Number(r), p: Number(p) };
    const actual = await this.derived(password.slice(0, lengthMost), Buffer.from(salt, "base64url"), options);
    return actual.length === expected.length && timingSafeEqual(actual, expected) && hash !== undefined;
  }

  private hashOfNobody(): Promise<string> {
    this.nobody ??= this.hashed(randomBytes(16).toString("hex"));
    return this.nobody;
  }

  private async hashed(password: string): Promise<string> {
    const salt = randomBytes(16);
    const key = await this.derived(password, salt, cost);
    return ["scrypt", cost.N, cost.r, cost.p, salt.toString("base64url"), key.toString("base64url")].join("$");
  }

  private async derived(password: string, salt: Buffer, options: typeof cost): Promise<Buffer> {
    await this.turn();
    try {
      return await derive(password, salt, { ...options, maxmem: 256 * options.N * options.r });
    } finally {
      this.running -= 1;
      this.waiting.shift()?.();
    }
  }

  private async turn(): Promise<void> {
    if (this.running >= atOnce) {
      if (this.waiting.length >= this.waitingMost) {
        throw new Fault("resource-exhausted", "many are signing in just now: try again in a moment");
      }
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    this.running += 1;
  }
}

function derive(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFKC"), salt, keyBytes, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
