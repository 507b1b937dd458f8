import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { buildAll } from "../../../scripts/build.js";
import { buildPackage } from "../../../scripts/package/build-package.js";
import { packageNames } from "../../../scripts/package/control.js";
import { command } from "../machines/command.js";
import { labFolder } from "../machines/settings.js";
import { checkout } from "./bundle.js";

/** What an administrator downloads: our packages and the one thing of Debian's that bare machines lack, as files of one folder. */
export async function layOutPackages(name: string, version: string): Promise<string> {
  await buildAll(checkout);
  const out = join(labFolder, name);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const dist = distOf(version);
  for (const each of packageNames) {
    buildPackage(each, {
      ...{ root: checkout, dist, out, version, nodePath: realpathSync(process.execPath) },
      architecture: execFileSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).trim(),
      ...{ epochSeconds: 1_700_000_000, compression: "gzip" },
    });
  }
  const cache = join(labFolder, "nats");
  mkdirSync(cache, { recursive: true });
  if (readdirSync(cache).length === 0) {
    await command([
      "sh",
      "-c",
      'cd "$1" && { apt-get -q download nats-server || { apt-get -q update && apt-get -q download nats-server; }; }',
      "sh",
      cache,
    ]);
  }
  cpSync(cache, out, { recursive: true });
  return out;
}

/** The built programs; of another version than the checkout's they are the same, but for what they call themselves. */
function distOf(version: string): string {
  const dist = join(checkout, "dist");
  const own = versionOfCheckout();
  if (version === own) return dist;
  const copy = join(labFolder, `dist-${version}`);
  mkdirSync(copy, { recursive: true });
  // They are asked for their settings, and load what they need for that.
  rmSync(join(copy, "node_modules"), { force: true });
  symlinkSync(join(checkout, "node_modules"), join(copy, "node_modules"));
  for (const name of readdirSync(dist).filter((each) => /^(stoker.*|package\.json)$/.test(each))) {
    const from = join(dist, name);
    if (!name.endsWith(".js")) cpSync(from, join(copy, name), { recursive: true });
    else
      writeFileSync(join(copy, name), readFileSync(from, "utf8").replaceAll(`"${own}"`, `"${version}"`), {
        mode: 0o755,
      });
  }
  return copy;
}

export const versionOfCheckout = (): string =>
  String(JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")).version);
