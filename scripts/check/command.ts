import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";

export interface Outcome {
  status: number;
  output: string;
}

/** Runs a program, those of node_modules included; both streams together, in order. */
export function run(root: string, program: string, args: string[]): Promise<Outcome> {
  const path = `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH ?? ""}`;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, PATH: path },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    child.on("error", reject);
    child.on("close", (status) => resolve({ status: status ?? 1, output }));
  });
}
