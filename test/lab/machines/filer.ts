import { existsSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attempt, startDetached } from "./command.js";
import { Power } from "./power.js";
import { addressOf, filer, labFolder } from "./settings.js";
import { atPlace, plugSpace } from "./switch.js";
import { until } from "./until.js";

/** A real NFS 4 server (nfs-ganesha) at `filer:/share`, with an address of its own in the lab's network. */
export class Filer {
  /** The export's files, on the host. */
  readonly shareFolder = join(labFolder, "share");
  readonly #power = new Power(filer);

  async up(): Promise<void> {
    if (this.#power.on) return;
    const state = join(labFolder, "filer");
    for (const folder of [this.shareFolder, state, "/var/run/ganesha"]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(state, "ganesha.conf"), configuration(this.shareFolder, state));
    await plugSpace(filer);
    const server = [
      "ganesha.nfsd",
      "-F",
      "-L",
      join(state, "log"),
      "-f",
      join(state, "ganesha.conf"),
      "-p",
      join(state, "pid"),
    ];
    startDetached(this.#power.under(atPlace(filer, server)), openSync(join(state, "console.log"), "a"));
    const knock = atPlace(filer, ["bash", "-c", `exec 3<>/dev/tcp/${addressOf(filer)}/2049`]);
    await until(`the NFS server answers (${state}/log)`, async () => (await attempt(knock)).code === 0, 20_000);
  }

  /** Power loss of the server. */
  async cut(): Promise<void> {
    if (existsSync(this.#power.folder)) await this.#power.cut();
  }

  freeze(frozen: boolean): void {
    this.#power.freeze(frozen);
  }
}

// A short grace, so that clients go on soon after the server came back.
const configuration = (shareFolder: string, state: string) => `
NFS_CORE_PARAM { Protocols = 4; Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false; }
NFSv4 { Grace_Period = 10; Lease_Lifetime = 10; RecoveryRoot = ${state}/recovery; Only_Numeric_Owners = true; }
EXPORT {
  Export_Id = 1; Path = ${shareFolder}; Pseudo = /share; Access_Type = RW; Squash = No_Root_Squash;
  SecType = sys; Protocols = 4; Transports = TCP;
  FSAL { Name = VFS; }
}
`;
