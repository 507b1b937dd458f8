import { chosenProfile, readProfiles, writeProfiles } from "../profiles.js";
import type { Verb } from "../verb.js";

export const logout: Verb = {
  name: "logout",
  description: "Revoke the token of `stoker login`, and take it out of the profile",
  example: "stoker logout",
  options: [],
  async run(call) {
    const session = await call.session();
    await session.signIn.signOut({}, session.limits);
    const { configFolder, environment } = call.world;
    const all = await readProfiles(configFolder);
    const name = call.text("profile") ?? (environment.STOKER_PROFILE || all.current);
    const { token } = await call.settings();
    if (name === undefined || chosenProfile(all, name, configFolder).token !== token) return undefined;
    const { token: _, ...profile } = chosenProfile(all, name, configFolder);
    await writeProfiles(configFolder, { ...all, profiles: { ...all.profiles, [name]: profile } });
    return undefined;
  },
};
