import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { usage } from "./failure.js";
import { type Profile, profileKeys } from "./settings.js";

/** `config.yaml`: profiles, and the one in use. */
export interface Profiles {
  current?: string;
  profiles: Record<string, Profile>;
}

export const profilesPath = (folder: string) => join(folder, "config.yaml");

export async function readProfiles(folder: string): Promise<Profiles> {
  const path = profilesPath(folder);
  if (!existsSync(path)) return { profiles: {} };
  const { parse } = await import("yaml");
  let content: unknown;
  try {
    content = parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw usage(`${path}: ${firstLine(error)}; mend it or move it away`);
  }
  return narrow(content, path);
}

const firstLine = (error: unknown) => String(error instanceof Error ? error.message : error).split("\n")[0];

function narrow(content: unknown, path: string): Profiles {
  if (content === null || content === undefined) return { profiles: {} };
  if (!isMap(content)) throw usage(`${path}: expected \`current\` and \`profiles\``);
  const result: Profiles = { profiles: {} };
  if (typeof content.current === "string") result.current = content.current;
  const profiles = content.profiles ?? {};
  if (!isMap(profiles)) throw usage(`${path}: profiles: expected names with settings under them`);
  for (const [name, given] of Object.entries(profiles)) {
    if (!isMap(given)) throw usage(`${path}: profiles.${name}: expected settings`);
    const profile: Profile = {};
    for (const [key, value] of Object.entries(given)) {
      const known = profileKeys.find((candidate) => candidate === key);
      if (!known) throw usage(`${path}: profiles.${name}.${key} is unknown; there are ${profileKeys.join(", ")}`);
      if (value !== null) profile[known] = String(value);
    }
    result.profiles[name] = profile;
  }
  return result;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Replaced in one step; only its owner may read it, for it can hold tokens. */
export async function writeProfiles(folder: string, profiles: Profiles): Promise<void> {
  const { stringify } = await import("yaml");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = profilesPath(folder);
  const staged = `${path}.${process.pid}.new`;
  writeFileSync(staged, stringify(profiles), { mode: 0o600 });
  chmodSync(staged, 0o600);
  renameSync(staged, path);
}

/** The profile that was asked for, or the one in use, or none. */
export function chosenProfile(profiles: Profiles, asked: string | undefined, folder: string): Profile {
  const name = asked ?? profiles.current;
  if (name === undefined) return {};
  const profile = profiles.profiles[name];
  if (profile) return profile;
  const known = Object.keys(profiles.profiles).join(", ") || "none";
  throw usage(`there is no profile "${name}" in ${profilesPath(folder)} (there: ${known}); see stoker profile list`);
}
