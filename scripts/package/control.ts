export const packageNames = ["stoker", "stoker-coordinator", "stoker-agent"] as const;
export type PackageName = (typeof packageNames)[number];

interface Description {
  depends: readonly string[];
  recommends?: readonly string[];
  summary: string;
  text: string;
}

const descriptions: { readonly [P in PackageName]: (version: string) => Description } = {
  stoker: () => ({
    depends: [],
    summary: "command line of Stoker, a job queue for a lab's own GPU machines",
    text: "Submits jobs, follows their logs and looks after clusters. Holds the Node.js that the daemons run on, too.",
  }),
  "stoker-coordinator": (version) => ({
    depends: [`stoker (= ${version})`, "nats-server", "systemd"],
    summary: "coordinator of Stoker: catalog and scheduler",
    text: "One machine of the lab runs it. Keeps every job in one SQLite file and gives the machines their work.",
  }),
  "stoker-agent": (version) => ({
    depends: [`stoker (= ${version})`, "nfs-common", "systemd"],
    recommends: ["openmpi-bin"],
    summary: "agent of Stoker: runs jobs on this machine",
    text: "Every machine that gives its GPUs or cores runs it. Mounts file systems, starts ranks and ships their logs.",
  }),
};

export const summaryOf = (name: PackageName) => descriptions[name]("").summary;

export interface ControlFacts {
  version: string;
  architecture: string;
  /** What the files take. */
  installedBytes: number;
  /** What they are linked with, as dependencies. */
  linked: readonly string[];
}

/** The text of DEBIAN/control. */
export function controlOf(name: PackageName, { version, architecture, installedBytes, linked }: ControlFacts): string {
  const { depends, recommends, summary, text } = descriptions[name](version);
  const fields: Array<readonly [string, string]> = [
    ["Package", name],
    ["Version", version],
    ["Section", "admin"],
    ["Priority", "optional"],
    ["Architecture", architecture],
    ["Maintainer", "Stoker <stoker@localhost>"],
    ["Installed-Size", String(Math.ceil(installedBytes / 1024))],
    ["Depends", [...depends, ...linked].join(", ")],
    ...(recommends ? [["Recommends", recommends.join(", ")] as const] : []),
    ["Description", `${summary}\n ${text}`],
  ];
  return `${fields.map(([key, value]) => `${key}: ${value}`).join("\n")}\n`;
}

/** Changed by administrators: an upgrade asks before it replaces them. */
export const conffiles: { readonly [P in PackageName]: readonly string[] } = {
  stoker: [],
  "stoker-coordinator": ["/etc/stoker/coordinator.yaml"],
  "stoker-agent": ["/etc/stoker/agent.yaml"],
};
