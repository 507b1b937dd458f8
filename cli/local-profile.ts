import { accessSync, constants } from "node:fs";
import { chosenProfile, profilesPath, readProfiles } from "./profiles.js";
import type { Profile } from "./settings.js";

/** Made by a coordinator on this machine, for whoever may read its data folder. */
const administratorFolder = "/var/lib/stoker/administrator";

/** The administrator's profile, for root and the coordinator's own account on its machine; empty for everybody else. */
export async function localProfile(folder = administratorFolder): Promise<Profile> {
  try {
    accessSync(profilesPath(folder), constants.R_OK);
  } catch {
    return {};
  }
  return chosenProfile(await readProfiles(folder), undefined, folder);
}
