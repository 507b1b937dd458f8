import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { frame, readLaunchLine } from "../../agent/mpi/shim-protocol.js";
import { Spawner } from "../../agent/ranks/spawner.js";
import { quoted } from "../../coordinator/core/toolkits/mpi.js";
import { mutated } from "./arbitraries/bytes.js";
import { text } from "./arbitraries/text.js";
import { check, checkAsync } from "./runs.js";

/** What is written in C, compiled with the sanitizers; and words on their way through it and through shells, byte for byte. */

const root = resolve(import.meta.dirname, "../..");
const dir = mkdtempSync(join(tmpdir(), "stoker-native-"));
const shim = join(dir, "stoker-shim");
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
const canSanitize =
  spawnSync("gcc", [...sanitize, "-x", "c", "-", "-o", join(dir, "probe")], { input: "int main(void) { return 0; }" })
    .status === 0 && spawnSync(join(dir, "probe")).status === 0;

const word = text(3_000).filter((each) => !each.includes("\0"));
const complaint = /Sanitizer|runtime error/;
/** Looking for leaks at the end costs more than all else. */
const environment = { PATH: process.env.PATH ?? "", ASAN_OPTIONS: "detect_leaks=0" };

describe.skipIf(!canSanitize)("with sanitizers", () => {
  beforeAll(() => {
    const folder = join(root, "agent/native");
    const sources = readdirSync(folder).filter((name) => name.endsWith(".c"));
    const flags = ["-std=gnu11", "-O1", "-g", ...sanitize, "-o", shim];
    execFileSync("gcc", [...flags, ...sources.map((name) => join(folder, name)), "-lpthread"], { stdio: "inherit" });
  }, 120_000);

  /** Answers each connection with the next of `answers`; the last one for ever. Gives the lines that were asked. */
  async function rsh(words: readonly string[], answers: readonly Uint8Array[]) {
    const path = join(dir, "agent.sock");
    const lines: Buffer[] = [];
    let served = 0;
    const server = createServer((socket) => {
      let asked = Buffer.alloc(0);
      socket.on("error", () => undefined);
      socket.on("data", (bytes) => {
        const complete = asked.includes(10);
        asked = Buffer.concat([asked, bytes]);
        if (complete || !asked.includes(10)) return;
        lines.push(asked.subarray(0, asked.indexOf(10)));
        socket.end(answers[Math.min(served, answers.length - 1)] ?? end);
        served += 1;
      });
    });
    await new Promise<void>((listening) => server.listen(path, listening));
    try {
      // Of its own: others on this machine may stop whatever has a lease that they know.
      const lease = `${randomUUID()}.1`;
      const env = { ...environment, STOKER_SOCKET: path, STOKER_LEASE: lease };
      const child = spawn(shim, ["rsh", ...words], { env, stdio: ["ignore", "ignore", "pipe"], timeout: 60_000 });
      let errors = "";
      child.stderr.on("data", (bytes: Buffer) => {
        errors += bytes.toString();
      });
      const code = await new Promise<number | null>((ended) => child.once("close", ended));
      expect(errors).not.toMatch(complaint);
      return { code, lines, errors };
    } finally {
      await new Promise((closed) => server.close(closed));
    }
  }

  const end = frame("x", "7");

  test("a launcher's words arrive as they were, whatever they are", { timeout: 600_000 }, async () => {
    const command = fc.array(word, { minLength: 1, maxLength: 5 }).filter((words) => joined(words) !== "");
    await checkAsync(
      fc.asyncProperty(
        fc.constantFrom([], ["-q"], ["-l", "me"], ["-x", "-p", "22"], ["--"]),
        command,
        async (options, words) => {
          const { code, lines } = await rsh([...options, "user@host-1", ...words], [end]);
          expect(code).toBe(7);
          const asked = readLaunchLine(lines[0]?.toString() ?? "");
          expect(asked).toMatchObject({ target: "host-1", command: joined(words) });
        },
      ),
      25,
    );
  });

  test("any words and any answer end it in order", { timeout: 600_000 }, async () => {
    const spoken = Buffer.concat([frame("o", "out"), frame("e", "err"), frame("m", "words"), end]);
    const answer = fc.oneof(mutated(fc.constant(spoken)), fc.uint8Array({ maxLength: 100 }));
    await checkAsync(
      fc.asyncProperty(fc.array(word, { maxLength: 4 }), answer, async (words, said) => {
        const { code } = await rsh(words, [said, end]);
        expect(code).not.toBeNull();
      }),
      25,
    );
  });

  test("a spawner that is asked nonsense says so, and touches nothing else", { timeout: 600_000 }, () => {
    const nowhere = "/nonexistent/stoker";
    const count = fc.oneof(
      fc.constantFrom("0", "1", "-1", "99999999999999999999", "", "x", "3"),
      fc.nat(9).map(String),
    );
    // It never comes to start anything: there is no such folder to work in. And `remove` is never said.
    const run = fc
      .tuple(word, count, fc.array(word, { maxLength: 6 }))
      .map(([id, variables, rest]) => ["run", id, nowhere, "", nowhere, variables, ...rest]);
    const request = fc
      .oneof(
        run,
        fc.array(
          word.filter((each) => each !== "run" && each !== "remove"),
          { maxLength: 4 },
        ),
      )
      .map((words) => {
        const body = Buffer.from(words.map((each) => `${each}\0`).join(""));
        const head = Buffer.alloc(4);
        head.writeUInt32LE(body.length);
        return Buffer.concat([head, body]);
      });
    const cutOff = fc.constantFrom(
      Buffer.alloc(0),
      Buffer.from([1]),
      Buffer.from([255, 255, 255, 255]),
      Buffer.from([9, 0, 0, 0, 114, 117, 110, 0]),
    );
    check(
      fc.property(fc.array(request, { maxLength: 6 }), cutOff, (requests, rest) => {
        const { stderr, signal } = spawnSync(shim, ["spawn"], {
          input: Buffer.concat([...requests, rest]),
          env: environment,
          timeout: 60_000,
        });
        expect(stderr.toString()).not.toMatch(complaint);
        expect(signal).toBeNull();
      }),
      25,
    );
  });
});

/** As ssh joins them. Of empty words that begin it nothing is seen. */
function joined(words: readonly string[]): string {
  return words.reduce((before, each) => (before === "" ? each : `${before} ${each}`), "");
}

const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/).map((each) => `V_${each}`);

test("an environment and its words reach a process byte for byte", { timeout: 600_000 }, async () => {
  const spawner = new Spawner(join(root, "dist/stoker-shim"), pino({ level: "silent" }));
  let count = 0;
  await checkAsync(
    fc.asyncProperty(fc.dictionary(name, word, { maxKeys: 5 }), word, async (variables, argument) => {
      count += 1;
      const run = join(dir, `run-${count}`);
      mkdirSync(run);
      const script = 'env -0; printf %s "$1"';
      const argv = ["/bin/sh", "-c", script, "sh", argument];
      const started = await spawner.start({
        dir: run,
        fence: "",
        argv,
        environment: { ...variables, PATH: "/usr/bin:/bin" },
        cwd: dir,
      });
      await started.ended;
      const output = readFileSync(join(run, "stdout"));
      for (const [variable, value] of Object.entries(variables)) {
        expect(output.includes(Buffer.from(`${variable}=${value}\0`))).toBe(true);
      }
      expect(output.subarray(output.lastIndexOf(0) + 1).toString()).toBe(argument);
    }),
    25,
  );
  const wrong: Array<Record<string, string>> = [{ A: "x\0y" }, { "A\0B": "x" }];
  for (const bad of wrong) {
    const asked = { dir: join(dir, "never"), fence: "", argv: ["/bin/true"], environment: bad, cwd: dir };
    await expect(spawner.start(asked)).rejects.toThrow(/zero byte/);
  }
  const long = { dir: join(dir, "never"), fence: "", argv: ["x".repeat(17 << 20)], environment: {}, cwd: dir };
  await expect(spawner.start(long)).rejects.toThrow(/bytes/);
  spawner.close();
});

test("what is quoted is one word of bash, byte for byte", { timeout: 600_000 }, () => {
  check(
    fc.property(fc.array(word, { maxLength: 20 }), (words) => {
      const script = `printf '%s\\0' x ${words.map(quoted).join(" ")}`;
      const { stdout } = spawnSync("bash", ["-c", script], { env: { LANG: "C.UTF-8" } });
      expect(stdout.toString()).toBe(["x", ...words].map((each) => `${each}\0`).join(""));
    }),
    20,
  );
});
