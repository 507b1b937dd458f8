import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

/** Prometheus' own programs: this machine's, or those that scripts/bootstrap.sh took out of their Debian package. */
export function programOf(name: "prometheus" | "promtool"): string {
  const fetched = resolve(import.meta.dirname, "../../.stoker-bootstrap-prometheus");
  const folders = [...(process.env.PATH ?? "").split(":"), fetched];
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`there is no ${name}: run sh scripts/bootstrap.sh test`);
  return found;
}
