import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Profile } from "../settings.js";

/** Where `stoker login --certificate` keeps what it got for a profile. */
export const profileCertificatePath = (configFolder: string, profile: string) =>
  join(configFolder, `${profile.replace(/[^-\w.]/g, "_")}.pem`);

/** Its key is of no use any more. Files that the user has named are the user's. */
export function forgetCertificate(configFolder: string, name: string, { certificateFile }: Profile): void {
  const own = profileCertificatePath(configFolder, name);
  if (certificateFile === own) rmSync(own, { force: true });
}
