import { readFile } from "node:fs/promises";
import { usage } from "../failure.js";
import type { World } from "../world.js";
import { parseBody } from "./parse.js";

/** A body from a file, or from stdin for `-`: the one place of this folder that reads. */
export async function readBody(path: string, world: World): Promise<unknown> {
  const where = path === "-" ? "stdin" : path;
  return parseBody(path === "-" ? await world.readStdin() : await contentOf(path), where);
}

async function contentOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw usage(`${path}: there is no such file`);
    if (code === "EISDIR") throw usage(`${path} is a folder; give a file`);
    if (code === "EACCES") throw usage(`${path} may not be read by you`);
    throw error;
  }
}
