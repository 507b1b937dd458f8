import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { IdentityFile } from "../../agent/identity/identity-file.js";
import { LocalSite } from "../../scripts/site/local-site.js";
import { processesWith, until } from "../../scripts/site/processes.js";
import { openMpiFiles, openMpiPrograms } from "../fakes/open-mpi.js";
import { PodmanMachine } from "../fakes/podman-machine.js";
import { accountsOfTest, writeAccountPrograms } from "../fakes/strangers-site.js";

const image = "localhost/stoker-account:1";
const { alice } = accountsOfTest;
const job = ["-w", "lab", "-e", "first"];
const patience = 240_000;

let folder: string;
let store: string;
let out: string;
let podman: PodmanMachine;
let site: LocalSite;

async function create(name: string, properties: object): Promise<void> {
  const file = join(folder, `${name}.json`);
  const containerSettings = { imageSourceRegistry: { image } };
  writeFileSync(file, JSON.stringify({ properties: { nodeCount: 1, containerSettings, ...properties } }));
  await site.stoker(["job", "create", ...job, "-n", name, "-c", "c", "-f", file]);
}

/** Its directory, and its first node. */
const placeOf = (name: string) =>
  until(
    `${name} is placed`,
    async () => {
      const text = await site.stoker(["job", "show", ...job, "-n", name, "-o", "json"]);
      const { jobOutputDirectoryPathSegment: segment, attempts } = JSON.parse(text) as {
        jobOutputDirectoryPathSegment: string;
        attempts: Array<{ nodes: Array<{ name: string }> }>;
      };
      const node = attempts[0]?.nodes[0]?.name;
      return node !== undefined && { directory: join(out, segment), node };
    },
    patience,
    100,
  );

describe.skipIf(process.getuid?.() !== 0)(
  "jobs in containers, as their submitters' accounts",
  { timeout: patience },
  () => {
    beforeAll(async () => {
      // Neither in /tmp, which is another for accounts outside of containers, nor in /dev, of which containers have their own.
      mkdirSync("/srv", { recursive: true });
      folder = mkdtempSync("/srv/stoker-container-account-");
      store = mkdtempSync(join(tmpdir(), "stoker-container-account-"));
      out = join(folder, "out");
      chmodSync(folder, 0o755);
      mkdirSync(out);
      chmodSync(out, 0o1777);
      mkdirSync(join(folder, "site"));
      podman = new PodmanMachine(store);
      podman.makeImage(image, ["tail", ...openMpiPrograms], openMpiFiles);
      const programs = join(folder, "programs");
      writeAccountPrograms(programs);
      site = await LocalSite.start({
        folder: join(folder, "site"),
        nodes: ["n1", "n2"],
        agentEnter: ["/usr/bin/env", ...Object.entries(podman.environment).map(([name, value]) => `${name}=${value}`)],
        agentFlags: [
          ...["--accounts", "coordinator-token=alice"],
          ...["--system-path", `${programs}:/usr/sbin:/usr/bin:/sbin:/bin`],
        ],
      });
      await site.stoker(["workspace", "create", "-n", "lab"]);
      await site.stoker(["experiment", "create", "-w", "lab", "-n", "first"]);
      await site.stoker(["cluster", "create", "-w", "lab", "-n", "c", "-t", "2", "-s", "any"]);
    }, patience);
    afterAll(async () => {
      await site?.stop();
      podman?.remove();
      for (const each of [folder, store]) rmSync(each, { recursive: true, force: true });
    });

    it("have its numbers and no rights beside, reach nothing of the agents', and leave nothing", async () => {
      const closed = ["n1", "n2"].flatMap((node) => [
        new IdentityFile(site.agentFolder(node)).path,
        ...["ledger", "pass-key", "fences", "tmp"].map((name) => join(site.agentFolder(node), name)),
        ...["environ", "root/etc", "fd"].map((name) => `/proc/${site.agentPid(node)}/${name}`),
      ]);
      const attack = `for at in ${[...closed, site.tokenPath, "/run/stoker/agent.sock"].join(" ")}; do
  ls "$at/" > /dev/null 2>&1 && echo "saw $at" >> $O/got; cat "$at" > /dev/null 2>&1 && echo "read $at" >> $O/got
done
for at in / /etc /run/stoker /run/stoker/bin ${site.agentFolder("n1")}; do touch "$at/planted" 2>/dev/null && echo "wrote to $at" >> $O/got; done
for pid in ${site.agentPid("n1")} ${site.agentPid("n2")} 1; do kill -CONT $pid 2>/dev/null && echo "signalled $pid" >> $O/got; done`;
      // Where the account can go, and where it can't: whoever mounts it there could.
      for (const name of ["open", "closed", "closed/inner"]) mkdirSync(join(folder, name), { mode: 0o755 });
      for (const name of ["open", "closed/inner"]) writeFileSync(join(folder, name, "file"), name);
      chmodSync(join(folder, "closed"), 0o700);
      const shown = `cat $AZ_BATCHAI_INPUT_OPEN/file > $O/open; cat $AZ_BATCHAI_INPUT_INNER/file && echo "saw inner" >> $O/got`;
      const look = `{ id -u; id -g; id -G; echo "$HOME $USER $PWD"; } > $O/who; grep -E "^(Cap|NoNewPrivs)" /proc/self/status > $O/rights`;
      const stay = `echo mine > /tmp/stoker-test-mine; echo word > /dev/stdout; (env -i sleep 5001 &); echo done > $O/tried; tail -f /dev/null`;
      await create("who", {
        customToolkitSettings: { commandLine: `O=$AZ_BATCHAI_OUTPUT_OUT; ${look}; ${shown}; ${attack}\n${stay}` },
        inputDirectories: [
          { id: "OPEN", path: join(folder, "open") },
          { id: "INNER", path: join(folder, "closed/inner") },
        ],
        outputDirectories: [{ id: "OUT", pathPrefix: out }],
        stdOutErrPathPrefix: out,
      });
      const { directory, node } = await placeOf("who");
      const text = (name: string) => {
        const path = join(directory, "outputs", name);
        return existsSync(path) ? readFileSync(path, "utf8") : "";
      };
      await until("it has tried", () => text("tried") === "done\n", patience, 100);
      for (const path of closed.filter((each) => each.startsWith(site.agentFolder(node))))
        expect([path, existsSync(path)]).toEqual([path, true]);
      const [uid, gid, groups, places = ""] = text("who").split("\n");
      expect([uid, gid, groups]).toEqual([String(alice), String(alice), `${alice} 61100`]);
      const [home, user, pwd] = places.split(" ");
      expect([home, user]).toEqual([pwd, "alice"]);
      expect(home).toContain(join(site.agentFolder(node), "jobs"));
      expect(text("rights")).toMatch(
        /CapInh:\s0+\nCapPrm:\s0+\nCapEff:\s0+\nCapBnd:\s\w+\nCapAmb:\s0+\nNoNewPrivs:\s1\n/,
      );
      expect([text("open"), text("got")]).toEqual(["open", ""]);
      for (const path of ["outputs", "outputs/who", "stdouterr"].map((name) => join(directory, name)))
        expect([path, statSync(path).uid]).toEqual([path, alice]);
      expect(existsSync("/tmp/stoker-test-mine")).toBe(false);

      const command = "id -u; cat /tmp/stoker-test-mine; grep CapEff /proc/self/status";
      const beside = ["job", "node", "exec", ...job, "-j", "who", "--exec", command];
      const seen = new RegExp(`^${alice}\\nmine\\nCapEff:\\s0+\\n$`);
      expect(await site.stoker(beside)).toMatch(seen);
      await site.stopAgent(node, "SIGKILL");
      site.startAgent(node);
      const again = async () => {
        const { code, stdout } = await site.run(beside);
        return code === 0 && stdout;
      };
      expect(await until("another agent knows whose it is", again, patience, 300)).toMatch(seen);

      await site.stoker(["job", "terminate", ...job, "-n", "who", "-y"]);
      await site.run(["job", "wait", ...job, "-n", "who"]);
      expect(await site.stoker(["job", "logs", ...job, "-n", "who"])).toContain("word\n");
      // Read as that account, which alone may: by its submitter's word.
      const files = ["job", "file", "get", ...job, "-j", "who", "-d", "OUT", "rights", "--to", join(folder, "rights")];
      await site.stoker(files);
      expect(readFileSync(join(folder, "rights"), "utf8")).toBe(text("rights"));
      expect([podman.containers(), processesWith("sleep\x005001")]).toEqual([[], []]);
    });

    it("are one MPI job over two nodes", async () => {
      await create("mpi", {
        nodeCount: 2,
        stdOutErrPathPrefix: out,
        jobPreparation: { commandLine: "echo $STOKER_NODE > /tmp/mark" },
        customMpiSettings: {
          commandLine: `echo "rank $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE as $(id -u) in $(cat /tmp/mark); ssh: $(ssh n1 id -u)$(ssh n2 cat /tmp/mark)"`,
        },
      });
      const { code } = await site.run(["job", "wait", ...job, "-n", "mpi"]);
      expect(code, await site.stoker(["job", "show", ...job, "-n", "mpi", "-o", "json"])).toBe(0);
      const lines = (await site.stoker(["job", "logs", ...job, "-n", "mpi"])).split("\n");
      for (const rank of [0, 1])
        expect(lines).toContainEqual(
          expect.stringContaining(`rank ${rank} of 2 as ${alice} in n${rank + 1}; ssh: ${alice}n2`),
        );
    });
  },
);
