import { cpSync, linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { scripts } from "../../cli/completion/scripts.js";
import { type PackageName, summaryOf } from "./control.js";
import { commandPages, type Daemon, daemonPages, type ManualPage } from "./manual.js";

/** Where programs live on a machine; the units name it. */
const home = "usr/lib/stoker";

/** Writes the files of one package below `tree`. */
export type Contents = (at: { root: string; dist: string; tree: string; nodePath: string }) => void;

export const contents: { readonly [P in PackageName]: Contents } = {
  stoker({ root, dist, tree, nodePath }) {
    copy(nodePath, join(tree, home, "node"), 0o755);
    program(dist, tree, "stoker");
    copy(join(dist, "package.json"), join(tree, home, "package.json"));
    command(tree, "stoker");
    copy(join(dist, "stoker-notify"), join(tree, home, "stoker-notify"), 0o755);
    for (const [path, text] of completions) write(join(tree, "usr/share", path), text);
    manual(tree, commandPages(summaryOf("stoker")));
    copy(join(root, "LICENSE"), join(tree, "usr/share/doc/stoker/copyright"));
    copy(join(root, "CHANGELOG.md"), join(tree, "usr/share/doc/stoker/CHANGELOG.md"));
    const readme = readFileSync(join(root, "README.md"), "utf8");
    write(join(tree, "usr/share/doc/stoker/README.md"), readme.replaceAll("](docs/", "]("));
    for (const name of readdirSync(join(root, "docs")).filter((each) => each.endsWith(".md")))
      copy(join(root, "docs", name), join(tree, "usr/share/doc/stoker", name));
    for (const name of ["README.md", "alerts.yml", "grafana-dashboard.json"])
      copy(join(root, "docs/monitoring", name), join(tree, "usr/share/doc/stoker/monitoring", name));
  },
  "stoker-coordinator"({ root, dist, tree }) {
    program(dist, tree, "stoker-coordinator");
    command(tree, "stoker-coordinator");
    addOns(root, tree, database);
    const systemd = join(root, "systemd");
    copy(join(systemd, "stoker-coordinator.service"), join(tree, "usr/lib/systemd/system/stoker-coordinator.service"));
    copy(join(systemd, "stoker.sysusers"), join(tree, "usr/lib/sysusers.d/stoker.conf"));
    copy(join(systemd, "stoker.tmpfiles"), join(tree, "usr/lib/tmpfiles.d/stoker.conf"));
    copy(join(systemd, "coordinator.yaml"), join(tree, "etc/stoker/coordinator.yaml"));
    manual(tree, daemonPages(daemon(dist, "stoker-coordinator")));
  },
  "stoker-agent"({ root, dist, tree }) {
    program(dist, tree, "stoker-agent");
    command(tree, "stoker-agent");
    copy(join(dist, "stoker-shim"), join(tree, home, "stoker-shim"), 0o755);
    copy(join(dist, "stoker-node-test"), join(tree, home, "stoker-node-test"), 0o755);
    // The same program under the name that launchers of MPI are given.
    linkSync(join(tree, home, "stoker-shim"), join(tree, home, "stoker-rsh"));
    addOns(root, tree, terminals);
    const systemd = join(root, "systemd");
    copy(join(systemd, "stoker-agent.service"), join(tree, "usr/lib/systemd/system/stoker-agent.service"));
    copy(join(systemd, "agent.yaml"), join(tree, "etc/stoker/agent.yaml"));
    copy(join(systemd, "policy.yaml"), join(tree, "usr/share/doc/stoker-agent/examples/policy.yaml"));
    copy(join(systemd, "stoker-agent.sysusers"), join(tree, "usr/lib/sysusers.d/stoker-agent.conf"));
    copy(join(systemd, "stoker-agent.tmpfiles"), join(tree, "usr/lib/tmpfiles.d/stoker-agent.conf"));
    manual(tree, daemonPages(daemon(dist, "stoker-agent")));
  },
};

/** With our own Node in its first line, whatever else the machine has. */
function program(dist: string, tree: string, name: string): void {
  const text = readFileSync(join(dist, `${name}.js`), "utf8");
  const own = text.replace(/^#!.*\n/, `#!/${home}/node\n`);
  if (own === text) throw new Error(`${name}.js has no first line that names its interpreter`);
  write(join(tree, home, `${name}.js`), own, 0o755);
}

function command(tree: string, name: string): void {
  mkdirSync(join(tree, "usr/bin"), { recursive: true });
  symlinkSync(`../lib/stoker/${name}.js`, join(tree, "usr/bin", name));
}

/** Below usr/share, where each shell looks. */
const completions = [
  ["bash-completion/completions/stoker", scripts.bash],
  ["zsh/vendor-completions/_stoker", scripts.zsh],
  ["fish/vendor_completions.d/stoker.fish", scripts.fish],
] as const;

const files: Record<Daemon["name"], Daemon["files"]> = {
  "stoker-coordinator": [
    ["/var/lib/stoker", "The catalog, logs, keys and the NATS server's store."],
    ["/usr/share/doc/stoker/operations.md", "How to run it: backup, upgrade, what goes wrong."],
  ],
  "stoker-agent": [
    ["/var/lib/stoker-agent", "What this machine holds of jobs: their ranks' output, folders, mounts."],
    ["/usr/share/doc/stoker/operations.md", "How to run it."],
  ],
};

const daemon = (dist: string, name: Daemon["name"]): Daemon => ({
  ...{ name, summary: summaryOf(name), program: join(dist, `${name}.js`), files: files[name] },
});

function manual(tree: string, pages: readonly ManualPage[]): void {
  for (const { path, text } of pages) write(join(tree, "usr/share/man", `${path}.gz`), gzipSync(text, { level: 9 }));
}

/** Native add-ons and what they load; neither their sources nor their builds. */
const database = [
  "better-sqlite3/package.json",
  "better-sqlite3/LICENSE",
  "better-sqlite3/lib",
  "better-sqlite3/build/Release/better_sqlite3.node",
  "bindings/package.json",
  "bindings/LICENSE.md",
  "bindings/bindings.js",
  "file-uri-to-path/package.json",
  "file-uri-to-path/LICENSE",
  "file-uri-to-path/index.js",
];
const terminals = [
  "node-pty/package.json",
  "node-pty/LICENSE",
  ...["index", "terminal", "unixTerminal", "eventEmitter2", "interfaces", "types", "utils"].map(
    (name) => `node-pty/lib/${name}.js`,
  ),
  "node-pty/build/Release/pty.node",
];

function addOns(root: string, tree: string, paths: readonly string[]): void {
  for (const path of paths) copy(join(root, "node_modules", path), join(tree, home, "node_modules", path));
}

function copy(from: string, to: string, mode = 0o644): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true, mode: 0 });
  modes.set(to, mode);
}

function write(to: string, text: string | Uint8Array, mode = 0o644): void {
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, text);
  modes.set(to, mode);
}

/** Modes that `settle` gives in the end: the checkout's own depend on the umask of who cloned it. */
export const modes = new Map<string, number>();
