import { chmodSync, existsSync, mkdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { gang, type Node, rsh } from "./gang.js";
import { jobCommands } from "./job-commands.js";

/** What a job's script sees: our ssh before the machine's own, which is a stand-in here. */
async function two(): Promise<{ a: Node; ssh: (words: string) => ReturnType<Node["run"]> }> {
  const [a] = await gang("node-a", "node-b");
  if (!a) throw new Error("no gang");
  const folder = jobCommands(join(a.spool, "commands"), rsh);
  const machine = join(a.spool, "machine");
  mkdirSync(machine);
  writeFileSync(join(machine, "ssh"), '#!/bin/sh\necho "real $*"\n');
  chmodSync(join(machine, "ssh"), 0o755);
  const variables = `PATH=${folder}:${machine}:/usr/bin:/bin STOKER_HOSTS=10.0.0.4,node-a,10.0.0.5,node-b`;
  return { a, ssh: (words) => a.run(`export ${variables}; ${words}`) };
}

test("ssh reaches a node of the job, by bash and without its options", async () => {
  const { ssh } = await two();
  const words = `ssh -oStrictHostKeyChecking=no -tt -p 22 root@node-b -q 'echo "on $NODE_WORD: it'"'"'s $((1+1))"; [[ a < b ]] && exit 9'`;
  const { seen, ended } = ssh(words);
  expect({ code: await ended, ...seen }).toEqual({ code: 9, stdout: "on node-b: it's 2\n", stderr: "" });
});

test("without a command, ssh runs the script on its standard input", async () => {
  const { ssh } = await two();
  const { seen, ended } = ssh("printf 'echo one\\necho $NODE_WORD\\n' | ssh node-b");
  expect({ code: await ended, out: seen.stdout }).toEqual({ code: 0, out: "one\nnode-b\n" });
});

test.each([
  ["git@elsewhere.org git-upload-pack x", "real git@elsewhere.org git-upload-pack x"],
  ["-V", "real -V"],
  ["node", "real node"],
])("ssh %s is the machine's own", async (words, said) => {
  const { ssh } = await two();
  const { seen, ended } = ssh(`ssh ${words} < /dev/null`);
  expect({ code: await ended, out: seen.stdout.trim() }).toEqual({ code: 0, out: said });
});

test("where the machine has none, it says which nodes there are", async () => {
  const { a } = await two();
  const { seen, ended } = a.run(`PATH=${join(a.spool, "commands")} STOKER_HOSTS=node-a,node-b ssh elsewhere true`);
  expect(await ended).toBe(255);
  expect(seen.stderr).toContain("no node of this job (node-a,node-b)");
});

test("a later agent's own program takes the place of the earlier's", async () => {
  const { a } = await two();
  const folder = jobCommands(join(a.spool, "commands"), "/elsewhere/stoker-rsh");
  expect(readlinkSync(join(folder, "ssh"))).toBe("/elsewhere/stoker-rsh");
  expect(existsSync(join(folder, "ssh.next"))).toBe(false);
});
