import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { bearer, type Credential, plain, trusting } from "../../shared/credentials.js";
import { bareEnvironment, Daemon, freePort, killAll, until } from "./processes.js";

/** Of this tree. */
export const builtPrograms = resolve(import.meta.dirname, "../../dist");

export interface SiteOptions {
  /** An empty folder for everything it keeps. */
  folder: string;
  nodes: string[];
  /** More flags for each agent. */
  agentFlags?: string[];
  /** And for the coordinator. */
  coordinatorFlags?: string[];
  /** More for one of them. */
  flagsOf?: (node: string) => string[];
  /** Words before each agent's command, which bring it into surroundings of its own. */
  agentEnter?: string[];
  /** Where its programs are; else this tree's. */
  programs?: string;
  /** off: nothing is encrypted, as before 0.3, and agents have the token. */
  tls?: "off";
}

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** A coordinator and some agents on this machine, from `dist/`: real processes, free ports, one folder. */
export class LocalSite {
  readonly #agents = new Map<string, Daemon>();
  readonly #joined = new Map<string, Promise<void>>();
  /** Of the coordinator, at its next start. */
  tls: "on" | "migrate" | "off";
  #coordinator: Daemon | undefined;

  private constructor(
    readonly options: SiteOptions,
    readonly address: string,
  ) {
    this.tls = options.tls ?? "on";
  }

  static async start(options: SiteOptions): Promise<LocalSite> {
    const site = new LocalSite(options, `127.0.0.1:${await freePort()}`);
    try {
      await site.#start();
    } catch (error) {
      await site.stop();
      throw error;
    }
    return site;
  }

  get tokenPath(): string {
    return join(this.coordinatorFolder, "token");
  }

  /** What a shell needs to talk to this site. */
  get environment(): Record<string, string> {
    return { STOKER_COORDINATOR: this.address, STOKER_TOKEN_FILE: this.tokenPath, ...this.#plain };
  }

  /** The administrator's. */
  get credential(): Credential {
    const metadata = bearer(readFileSync(this.tokenPath, "utf8").trim());
    if (this.tls === "off") return plain(metadata);
    return trusting({ authority: readFileSync(join(this.coordinatorFolder, "pki", "ca.pem"), "utf8") }, metadata);
  }

  /** Programs of before 0.3 don't know it, and need it not. */
  get #plain(): Record<string, string> {
    return this.tls === "off" ? { STOKER_TLS: "off" } : {};
  }

  get coordinatorFolder(): string {
    return join(this.options.folder, "coordinator");
  }

  get coordinatorPid(): number {
    if (this.#coordinator === undefined) throw new Error("the coordinator does not run");
    return this.#coordinator.pid;
  }

  agentPid(node: string): number {
    return this.#agent(node).pid;
  }

  agentFolder(node: string): string {
    return join(this.options.folder, node);
  }

  async #start(): Promise<void> {
    const { folder, nodes } = this.options;
    for (const name of ["logs", "home"]) mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, "empty.yaml"), "");
    await this.startCoordinator();
    for (const node of nodes) this.startAgent(node);
    await Promise.all(this.#joined.values());
    await until("the agents enrol", () => this.#enrolled(), 30_000, 100);
  }

  /** Resolves when it answers. `programs`, and the command line that asks: those of another version. */
  async startCoordinator(programs = this.#programs, asking = this.#programs): Promise<void> {
    const data = this.coordinatorFolder;
    const own = ["--listen", this.address, "--data-dir", data, "--token-file", this.tokenPath];
    const flags = [...own, ...(this.options.coordinatorFlags ?? [])];
    const coordinator = this.#daemon(programs, "stoker-coordinator", flags, "coordinator", [], {
      STOKER_TLS: this.tls,
    });
    this.#coordinator = coordinator;
    await until("the coordinator makes its token", () => this.#alive(coordinator, existsSync(this.tokenPath)), 20_000);
    await until(
      "the coordinator answers",
      async () => this.#alive(coordinator, (await this.run(["node", "list"], false, asking)).code === 0),
      20_000,
    );
  }

  async stopCoordinator(signal?: NodeJS.Signals): Promise<void> {
    await this.#coordinator?.stop(signal);
  }

  /** One that has not joined does so meanwhile. */
  startAgent(node: string, programs = this.#programs): void {
    const isPlain = this.tls === "off";
    const flags = [
      ...(isPlain ? ["--coordinator", this.address, "--token-file", this.tokenPath, "--name", node] : []),
      ...["--host", "127.0.0.1", "--data-dir", this.agentFolder(node), ...(this.options.agentFlags ?? [])],
      ...(this.options.flagsOf?.(node) ?? []),
    ];
    // As this very user, whatever accounts the machine has. A variable: a program of before does not know the flag.
    const variables = { STOKER_ACCOUNTS: "agent", ...this.#plain };
    this.#agents.set(node, this.#daemon(programs, "stoker-agent", flags, node, this.options.agentEnter, variables));
    if (!isPlain) this.join(node, programs).catch(() => undefined);
  }

  /** As an administrator makes a machine a node; once for each. */
  join(node: string, programs = this.#programs): Promise<void> {
    const joined = this.#joined.get(node) ?? this.#join(node, programs);
    this.#joined.set(node, joined);
    return joined;
  }

  async #join(node: string, programs: string): Promise<void> {
    const { token } = JSON.parse(await this.stoker(["node", "token", "create", "-o", "json"], programs)) as {
      token: string;
    };
    const words = ["join", this.address, token, "--name", node, "--data-dir", this.agentFolder(node)];
    const { code, stderr } = await this.#run(join(programs, "stoker-agent.js"), words);
    if (code !== 0) throw new Error(`stoker-agent join, for ${node}: ${stderr.trim()}`);
  }

  /** Its ranks go on. */
  async stopAgent(node: string, signal?: NodeJS.Signals): Promise<void> {
    await this.#agent(node).stop(signal);
  }

  /** What a power cut leaves of a node: nothing. Its agent first, which could report the rest. */
  async cutPower(node: string): Promise<void> {
    const ended = this.#agent(node).stop("SIGKILL");
    await killAll(this.agentFolder(node));
    await ended;
  }

  /** Agents first, then the coordinator; then whatever is left of theirs, which it returns. */
  async stop(): Promise<string[]> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.stop()));
    await this.#coordinator?.stop();
    return killAll(`${this.options.folder}/`);
  }

  /** The command line; its output, or straight to this terminal. */
  run(words: string[], shown = false, programs = this.#programs): Promise<Outcome> {
    return this.#run(join(programs, "stoker.js"), words, shown);
  }

  #run(program: string, words: string[], shown = false): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program, ...words], {
        env: { ...bareEnvironment(), ...this.environment, XDG_CONFIG_HOME: join(this.options.folder, "config") },
        stdio: ["ignore", shown ? "inherit" : "pipe", shown ? "inherit" : "pipe"],
        detached: true,
      });
      const texts = { stdout: "", stderr: "" };
      for (const name of ["stdout", "stderr"] as const) {
        child[name]?.setEncoding("utf8").on("data", (text: string) => {
          texts[name] += text;
        });
      }
      child.on("error", reject);
      child.on("close", (code) => resolve({ code: code ?? 1, ...texts }));
    });
  }

  /** The command line, which must succeed; what it printed. */
  async stoker(words: string[], programs = this.#programs): Promise<string> {
    const { code, stdout, stderr } = await this.run(words, false, programs);
    if (code !== 0) throw new Error(`stoker ${words.join(" ")}: ${stderr.trim() || `exit code ${code}`}`);
    return stdout;
  }

  #agent(node: string): Daemon {
    const agent = this.#agents.get(node);
    if (agent === undefined) throw new Error(`there is no agent ${node}`);
    return agent;
  }

  async #enrolled(): Promise<true | undefined> {
    for (const agent of this.#agents.values()) this.#alive(agent, true);
    const { code, stdout } = await this.run(["node", "list"]);
    return code === 0 && this.options.nodes.every((node) => stdout.includes(node)) ? true : undefined;
  }

  #alive(daemon: Daemon, condition: boolean): true | undefined {
    if (daemon.ended) throw new Error(`a daemon has ended; its last words are in ${daemon.logPath}`);
    return condition ? true : undefined;
  }

  get #programs(): string {
    return this.options.programs ?? builtPrograms;
  }

  #daemon(
    programs: string,
    program: string,
    flags: string[],
    name: string,
    enter: string[] = [],
    variables: Record<string, string> = {},
  ): Daemon {
    // Not this machine's own /etc/stoker.
    const all = ["--config", join(this.options.folder, "empty.yaml"), ...flags];
    const { folder } = this.options;
    const [log, home] = [join(folder, "logs", `${name}.log`), join(folder, "home")];
    return new Daemon(join(programs, `${program}.js`), all, log, home, enter, variables);
  }
}
