import { resolve } from "node:path";
import { runChecks } from "./check/index.js";

if ((await runChecks(resolve(import.meta.dirname, ".."))) > 0) process.exitCode = 1;
