import { resolve } from "node:path";
import { buildAll } from "./build.js";

/** Tests start the daemons from `dist/`; it must be of this tree. */
export default async function setup(): Promise<void> {
  // While parts are still missing, the tests of the others must run.
  await buildAll(resolve(import.meta.dirname, "..")).catch((error: unknown) => console.error(String(error)));
}
