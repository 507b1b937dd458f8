/** What NFS-Ganesha has to say against its configuration: it goes on without the exports that it can't make, and tells its log alone. */

/** Stands for all of them. */
export const everyExport = "*";

/** By mount point, why it is not served. */
export function refusalsIn(log: string): Map<string, string> {
  const refused = new Map<string, string>();
  let why = "";
  for (const line of log.split("\n")) {
    const reason = /:(?:CRIT|MAJ) :(?:stat returned |)(.*)$/.exec(line)?.[1];
    const missing = /Failed to load FSAL \((\w+)\)/.exec(line)?.[1];
    if (missing)
      refused.set(everyExport, `NFS-Ganesha lacks its part ${missing}: install nfs-ganesha-${missing.toLowerCase()}`);
    const mountPoint = /Could not create export for \((.*?)\) to/.exec(line)?.[1];
    if (mountPoint !== undefined) refused.set(mountPoint, why === "" ? "NFS-Ganesha can't export it" : why);
    if (reason !== undefined && line.includes(":FSAL :CRIT :")) why = reason;
  }
  return refused;
}
