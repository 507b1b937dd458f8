import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { buildForTest } from "./build-twin.js";
import { type PackageName, packageNames } from "./control.js";
import { linkedWith } from "./linked.js";
import { maintainerScripts } from "./scripts.js";

const root = resolve(import.meta.dirname, "../..");

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "stoker-package-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const made = new Map<PackageName, string>();

/** Once for all tests. */
function built(name: PackageName): string {
  const path = made.get(name) ?? buildForTest(name, root, folderOfAll);
  made.set(name, path);
  return path;
}

const folderOfAll = mkdtempSync(join(tmpdir(), "stoker-packages-"));
afterAll(() => rmSync(folderOfAll, { recursive: true, force: true }));

const deb = (...words: string[]) => execFileSync("dpkg-deb", words, { encoding: "utf8" });
const digest = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

test("the same sources give the same bytes, wherever, whenever and by whomever they are built", () => {
  const folder = scratch();
  const twin = join(folder, "another/place");
  mkdirSync(twin, { recursive: true });
  // With the same packages of npm: `package-lock.json` says which.
  for (const name of readdirSync(root).filter((each) => !/^(dist|\.git|\.stoker.*)$/.test(each))) {
    execFileSync("cp", ["-rl", join(root, name), join(twin, name)]);
  }
  const words = ["--import", "tsx", "scripts/package/build-twin.ts", folder];
  const environment = { PATH: process.env.PATH ?? "", TZ: "Pacific/Kiritimati", LC_ALL: "C", HOME: folder };
  execFileSync("sh", ["-c", 'umask 077; exec "$@"', "sh", process.execPath, ...words], { cwd: twin, env: environment });
  for (const name of packageNames) {
    const other = join(folder, `${name}_1.2.3_amd64.deb`);
    expect({ name, digest: digest(other) }).toEqual({ name, digest: digest(built(name)) });
  }
}, 180_000);

test.each(packageNames)("%s: nothing is writable for others, or owned by who built it", (name) => {
  const lines = deb("-c", built(name)).trim().split("\n");
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) expect(line).toMatch(/^(?:[-dh]rw[-x]r-[-x]r-[-x]|lrwxrwxrwx) root\/root /);
});

test("the command line starts from its package, completes and has a manual", () => {
  const tree = scratch();
  deb("-x", built("stoker"), tree);
  const program = join(tree, "usr/lib/stoker/stoker.js");
  expect(readFileSync(program, "utf8")).toMatch(/^#!\/usr\/lib\/stoker\/node\n/);
  expect(execFileSync(process.execPath, [program, "--version"], { encoding: "utf8" })).toMatch(/^\d+\.\d+\.\d+/);
  expect(completed(tree, "stoker job sh")).toEqual(["show"]);
  expect(completed(tree, "stoker node drain --re")).toEqual(["--reason"]);
  expect(completed(tree, "stoker job create -o ta")).toEqual(["table"]);
  for (const shell of ["zsh/vendor-completions/_stoker", "fish/vendor_completions.d/stoker.fish"]) {
    expect(readFileSync(join(tree, "usr/share", shell), "utf8")).toContain("stoker complete -- ");
  }
  expect(shown(tree, "man1/stoker-job.1")).toMatch(/^\.SS "stoker job create/m);
  expect(shown(tree, "man1/stoker.1")).toMatch(/stoker\\-job\\fR\(1\)/);
});

const shown = (tree: string, page: string) =>
  gunzipSync(readFileSync(join(tree, "usr/share/man", `${page}.gz`))).toString();

/** What bash offers at the end of the line. */
function completed(tree: string, line: string): string[] {
  const words = line.split(" ");
  const text = [
    `stoker() { ${process.execPath} ${join(tree, "usr/lib/stoker/stoker.js")} "$@"; }`,
    `. ${join(tree, "usr/share/bash-completion/completions/stoker")}`,
    `COMP_WORDS=(${words.join(" ")}) COMP_CWORD=${words.length - 1}`,
    "_stoker",
    `printf '%s\\n' "\${COMPREPLY[@]}"`,
  ];
  return execFileSync("bash", ["-c", text.join("\n")], { encoding: "utf8" })
    .trim()
    .split("\n");
}

test("daemons and their files have manuals, which name every setting and nothing of who made them", () => {
  const tree = scratch();
  for (const name of ["stoker-coordinator", "stoker-agent"] as const) deb("-x", built(name), tree);
  expect(shown(tree, "man8/stoker-agent.8")).toContain("\\-\\-witness\\-port");
  expect(shown(tree, "man5/stoker-agent.yaml.5")).toContain("witness\\-port:");
  expect(shown(tree, "man5/stoker-agent.yaml.5")).toContain("under which it has joined, or this machine's)");
  expect(shown(tree, "man5/stoker-coordinator.yaml.5")).toContain("lease\\-ttl\\-ms:");
  expect(shown(tree, "man8/stoker-coordinator.8")).toContain("stoker\\-coordinator backup");
  expect(shown(tree, "man5/stoker-agent.yaml.5")).toMatch(/^as whom jobs run: .*\(default: auto; /m);
  for (const page of ["man8/stoker-agent.8", "man5/stoker-coordinator.yaml.5"]) {
    // What a user would write, nothing of how it is kept.
    expect(shown(tree, page)).not.toMatch(/default: [[{]/);
    // A line of text that begins with a dot would be lost.
    expect(
      shown(tree, page)
        .split("\n")
        .filter((each) => /^\.(?!TH|SH|SS|TP|PP|RS|RE|nf|fi|br)/.test(each)),
    ).toEqual([]);
  }
});

test("the coordinator starts from its package, with the add-on that it needs", () => {
  const tree = scratch();
  deb("-x", built("stoker-coordinator"), tree);
  deb("-x", built("stoker"), tree);
  const program = join(tree, "usr/lib/stoker/stoker-coordinator.js");
  expect(execFileSync(process.execPath, [program, "--version"], { encoding: "utf8" })).toMatch(/^\d+\.\d+\.\d+/);
  const load = `new (require("better-sqlite3"))(":memory:").prepare("SELECT 7 AS n").get().n`;
  const words = ["-p", load];
  const cwd = join(tree, "usr/lib/stoker");
  expect(execFileSync(process.execPath, words, { cwd, encoding: "utf8" }).trim()).toBe("7");
  for (const path of ["etc/stoker/coordinator.yaml", "usr/lib/systemd/system/stoker-coordinator.service"]) {
    expect(existsSync(join(tree, path)), path).toBe(true);
  }
});

test("the agent brings its terminals along", () => {
  const tree = scratch();
  deb("-x", built("stoker-agent"), tree);
  const load = `require("node-pty").spawn.length`;
  const cwd = join(tree, "usr/lib/stoker");
  expect(execFileSync(process.execPath, ["-p", load], { cwd, encoding: "utf8" }).trim()).toBe("3");
});

test.each(packageNames)("%s: dpkg can verify what was installed", (name) => {
  const folder = scratch();
  deb("-R", built(name), folder);
  execFileSync("md5sum", ["--check", "--strict", "--quiet", "DEBIAN/md5sums"], { cwd: folder });
  const listed = readFileSync(join(folder, "DEBIAN/md5sums"), "utf8").trim().split("\n").length;
  const own = existsSync(join(folder, "DEBIAN/conffiles")) ? 1 : 0;
  expect(listed).toBe(
    Number(execFileSync("sh", ["-c", "find usr etc -type f 2>/dev/null | wc -l"], { cwd: folder })) - own,
  );
});

test("what an administrator changes is kept, and what it needs is said", () => {
  const agent = built("stoker-agent");
  expect(deb("-f", agent, "Depends")).toMatch(/^stoker \(= 1\.2\.3\), nfs-common, systemd, libc6 \(>= 2\.\d+\)/);
  expect(deb("-f", agent, "Recommends")).toBe("openmpi-bin\n");
  expect(deb("-I", agent, "conffiles")).toBe("/etc/stoker/agent.yaml\n");
  expect(deb("-f", built("stoker-coordinator"), "Depends")).toMatch(/nats-server, .*libstdc\+\+6 \(>= \d+\)/);
  // The shim under its two names, once in the package.
  expect(deb("-c", agent)).toMatch(/stoker-(rsh|shim) link to \.\/usr\/lib\/stoker\/stoker-(rsh|shim)$/m);
});

test("what programs are linked with is a dependency, and a library that no package has is refused", () => {
  const tree = scratch();
  writeFileSync(join(tree, "script"), "#!/bin/sh\n");
  expect(linkedWith(tree)).toEqual([]);
  const make = (name: string, source: string, ...words: string[]) => {
    writeFileSync(join(tree, "source.c"), source);
    execFileSync("gcc", ["-o", join(tree, name), join(tree, "source.c"), ...words], { cwd: tree, stdio: "pipe" });
  };
  // As some distributions have their Node.js: in a library of another package. This one is a package's on every machine.
  make("node", "int main(void) { return 0; }", "-Wl,--no-as-needed", "-l:liblzma.so.5");
  expect(linkedWith(tree)).toEqual([expect.stringMatching(/^libc6 /), expect.stringMatching(/^liblzma5 \(>= \d/)]);
  make("libnode.so.0", "int ours(void) { return 0; }", "-shared", "-Wl,-soname,libnode.so.0");
  make("node", "int ours(void); int main(void) { return ours(); }", "-L.", "-l:libnode.so.0");
  expect(() => linkedWith(tree)).toThrow("node is linked with libnode.so.0, which no package of this machine has");
});

test("dpkg's hooks are shell that can be read", () => {
  const folder = scratch();
  for (const [name, hooks] of Object.entries(maintainerScripts)) {
    for (const [hook, text] of Object.entries(hooks)) {
      const path = join(folder, `${name}.${hook}`);
      writeFileSync(path, text);
      execFileSync("sh", ["-n", path]);
    }
  }
});
