import { resolve } from "node:path";
import { buildAll } from "./build.js";

/** Tests start the daemons from `dist/`; it must be of this tree. */
export default async function setup(): Promise<void> {
  await buildAll(resolve(import.meta.dirname, ".."));
}
