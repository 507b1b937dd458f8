import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { type IsolationOptions, makeIsolation } from "../../agent/isolation.js";
import { ShimCopies } from "../../agent/logs/std-copies.js";
import { SessionRemoteStarts } from "../../agent/mpi/remote-starts.js";
import { dataPaths } from "../../agent/paths.js";
import { AgentSite } from "./agent-site.js";

const shimPath = resolve(import.meta.dirname, "../../dist/stoker-shim");
const log = pino({ level: "silent" });

/** Numbers that no machine has given to anybody. */
export const accountsOfTest = { alice: 61_001, bob: 61_002 };

/** Stand for the machine's own, which know of no alice. The accounts that they know. */
export function writeAccountPrograms(folder: string): typeof accountsOfTest {
  mkdirSync(folder);
  const cases = (line: (name: string, uid: number) => string) =>
    Object.entries(accountsOfTest).map(([name, uid]) => `${name}) ${line(name, uid)};;`);
  const passwd = cases((name, uid) => `echo "${name}:x:${uid}:${uid}::/home/${name}:/bin/bash"`);
  const root = 'root) echo "root:x:0:0:root:/root:/bin/bash";;';
  for (const [program, word, lines] of [
    ["getent", "$3", [...passwd, root]],
    ["id", "$3", [...cases((_, uid) => `echo "${uid} 61100"`), "root) echo 0;;"]],
  ] as const) {
    writeFileSync(join(folder, program), `#!/bin/sh\ncase "${word}" in\n${lines.join("\n")}\n*) exit 2;;\nesac\n`);
    chmodSync(join(folder, program), 0o755);
  }
  return accountsOfTest;
}

/** An agent whose jobs run as accounts of their own. To be run as root. */
export async function strangersSite(
  given: Partial<IsolationOptions> = {},
  place?: { dir: string; diskReserve: number },
): Promise<AgentSite> {
  return AgentSite.start(place, async (dir) => {
    const programs = join(dir, "programs");
    writeAccountPrograms(programs);
    const isolation = await makeIsolation(
      {
        ...{ dataDir: dir, shimPath, accounts: { kind: "mapped", accounts: { "*": "same" } }, limits: "off" },
        ...{ groups: undefined, machineCpus: 2, systemPath: `${programs}:/usr/bin:/bin`, allowRoot: () => false },
        ...given,
      },
      log,
    );
    const { spool } = dataPaths(dir);
    const copies = new ShimCopies(shimPath, spool, log, (lease) => isolation.confinements.of(lease)?.file);
    return { isolation, copies, remote: (host) => new SessionRemoteStarts(host, log) };
  });
}
