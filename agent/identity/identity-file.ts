import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { type Credential, trusting } from "../../shared/credentials.js";
import { Fault } from "../../shared/fault.js";
import { writeWhole } from "../../shared/whole-file.js";

const shape = z.object({
  /** Where the coordinator is, as `host:port`. */
  coordinator: z.string(),
  node: z.string(),
  /** PEM, as the next two. */
  authority: z.string(),
  certificate: z.string(),
  key: z.string(),
  /** Of its user at the coordinator's NATS. */
  natsSeed: z.string(),
  natsKey: z.string(),
});

export type Identity = z.infer<typeof shape>;

/** What this machine got when it joined, in one file that its owner alone may read: its key has never been anywhere else. */
export class IdentityFile {
  readonly path: string;

  constructor(dataDir: string) {
    this.path = join(dataDir, "identity", "identity.json");
  }

  /** Undefined when the machine has not joined. */
  read(): Identity | undefined {
    if (!existsSync(this.path)) return undefined;
    try {
      return shape.parse(JSON.parse(readFileSync(this.path, "utf8")));
    } catch (cause) {
      throw new Fault(
        "failed-precondition",
        `${this.path} can't be read: run \`stoker-agent join HOST:PORT TOKEN\` again`,
        {
          cause,
        },
      );
    }
  }

  /** What is there; undefined also when it is damaged, which is no reason not to write another. */
  readable(): Identity | undefined {
    try {
      return this.read();
    } catch (error) {
      if (error instanceof Fault) return undefined;
      throw error;
    }
  }

  /** Makes the folder, and throws a Fault when nothing can be kept there: before a token is used up for it. */
  prepare(): void {
    const folder = dirname(this.path);
    try {
      mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeWhole(join(folder, "trial"), "");
      rmSync(join(folder, "trial"));
    } catch (cause) {
      if (!(cause instanceof Error && "code" in cause)) throw cause;
      const isForbidden = cause.code === "EACCES" || cause.code === "EPERM";
      const why = isForbidden ? "run this as root" : `${cause.message}; nothing was asked of the coordinator`;
      throw new Fault("failed-precondition", `this machine's identity can't be kept in ${folder}: ${why}`, { cause });
    }
  }

  write(identity: Identity): void {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    writeWhole(this.path, `${JSON.stringify(identity, undefined, 2)}\n`);
  }

  /** Of the same key. */
  renewed(certificate: string): void {
    const identity = this.read();
    if (identity) this.write({ ...identity, certificate });
  }

  credential(): Credential {
    const identity = this.read();
    if (!identity) throw new Fault("failed-precondition", notJoined);
    return trusting(identity);
  }
}

export const notJoined =
  "this machine has not joined: run `stoker-agent join HOST:PORT TOKEN` with a token of `stoker node token create`";

/** Milliseconds since the epoch. */
export function validityOf(certificate: string): { from: number; to: number } {
  const { validFrom, validTo } = new X509Certificate(certificate);
  return { from: Date.parse(validFrom), to: Date.parse(validTo) };
}
