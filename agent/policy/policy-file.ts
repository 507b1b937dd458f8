import { existsSync, readFileSync, statSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { readHours } from "../core/policy/hours.js";
import { openPolicy, type Policy } from "../core/policy/policy.js";

const names = z.array(z.string().min(1).max(200)).max(1000);
const minuteMs = 60_000;

const shape = z
  .object({
    hours: z.array(z.string()).max(100).optional(),
    users: z
      .object({ allow: names.default([]), deny: names.default([]) })
      .strict()
      .optional(),
    gpus: z.array(z.union([z.number().int().nonnegative(), z.string().min(1)])).optional(),
    containersOnly: z.boolean().default(false),
    allowAdminAccounts: z.boolean().optional(),
    allowRoot: z.boolean().default(false),
    reclaim: z
      .object({
        seat: z.boolean().default(false),
        ssh: z.boolean().default(false),
        gpuClients: z.boolean().default(false),
        quietMinutes: z
          .number()
          .nonnegative()
          .max(24 * 60)
          .default(10),
      })
      .strict()
      .optional(),
  })
  .strict();

/** A policy, or in words what is wrong with it. */
export function readPolicy(text: string): Policy | string {
  let content: unknown;
  try {
    content = parse(text) ?? {};
  } catch (error) {
    return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
  }
  const read = shape.safeParse(content);
  if (!read.success) {
    const [issue] = read.error.issues;
    return `${issue?.path.join(".") || "the file"}: ${issue?.message ?? "makes no sense"}`;
  }
  const { hours, users, gpus, containersOnly, allowAdminAccounts, allowRoot, reclaim } = read.data;
  const spans = hours?.map((text_) => ({ text: text_, span: readHours(text_) }));
  const wrong = spans?.find(({ span }) => span === undefined);
  if (wrong) return `hours: "${wrong.text.slice(0, 80)}" is not such as "mon-fri 19:00-07:00"`;
  return {
    ...{ users: users ?? openPolicy.users, containersOnly, allowRoot },
    ...(spans ? { hours: spans.flatMap(({ span }) => span ?? []) } : {}),
    ...(gpus ? { gpus } : {}),
    ...(allowAdminAccounts === undefined ? {} : { allowAdminAccounts }),
    ...(reclaim ? { reclaim: { ...signs(reclaim), quietMs: reclaim.quietMinutes * minuteMs } } : {}),
  };
}

const signs = ({ seat, ssh, gpuClients }: { seat: boolean; ssh: boolean; gpuClients: boolean }) => ({
  ...{ seat, ssh, gpuClients },
});

/** The owner's file, read again when it has changed. A machine without one lets Stoker do what it likes. */
export class PolicyFile {
  private stamp = "";
  private read: Policy | string = openPolicy;

  constructor(private readonly path: string) {}

  /** A text says why it can't be understood. */
  get(): Policy | string {
    try {
      const status = existsSync(this.path) ? statSync(this.path) : undefined;
      const stamp = status ? `${status.mtimeMs} ${status.size} ${status.ino}` : "absent";
      if (stamp === this.stamp) return this.read;
      this.stamp = stamp;
      this.read = status ? this.trusted(status) : openPolicy;
    } catch (error) {
      this.stamp = "";
      this.read = error instanceof Error ? error.message : String(error);
    }
    return this.read;
  }

  /** What anybody may write is nobody's policy. */
  private trusted({ mode }: { mode: number }): Policy | string {
    if ((mode & 0o022) !== 0) return `${this.path} may be written by others than its owner: chmod go-w ${this.path}`;
    const read = readPolicy(readFileSync(this.path, "utf8"));
    return typeof read === "string" ? `${this.path}: ${read}` : read;
  }
}
