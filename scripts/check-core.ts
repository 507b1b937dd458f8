import { resolve } from "node:path";
import { checkCores } from "./check/core.js";

const found = checkCores(resolve(import.meta.dirname, ".."));
for (const line of found) process.stderr.write(`${line}\n`);
if (found.length > 0) process.exitCode = 1;
