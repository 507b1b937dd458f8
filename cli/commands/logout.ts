import { Fault } from "../../shared/fault.js";
import { forgetCertificate } from "../certificate/of-profile.js";
import { chosenProfile, readProfiles, writeProfiles } from "../profiles.js";
import { withoutCredential } from "../settings.js";
import type { Verb } from "../verb.js";

export const logout: Verb = {
  name: "logout",
  description: "Revoke what `stoker login` got, a token or a certificate, and take it out of the profile",
  example: "stoker logout",
  options: [],
  async run(call) {
    const session = await call.session();
    try {
      await session.signIn.signOut({}, session.limits);
    } catch (error) {
      // It counts no more: all the less reason to keep it.
      if (!(error instanceof Fault && error.code === "unauthenticated")) throw error;
      await call.notice(error.message);
    }
    const { configFolder, environment } = call.world;
    const all = await readProfiles(configFolder);
    const name = call.text("profile") ?? (environment.STOKER_PROFILE || all.current);
    const { token, certificateFile } = await call.settings();
    if (name === undefined) return undefined;
    const profile = chosenProfile(all, name, configFolder);
    if (profile.token !== token || profile.certificateFile !== certificateFile) return undefined;
    await writeProfiles(configFolder, { ...all, profiles: { ...all.profiles, [name]: withoutCredential(profile) } });
    forgetCertificate(configFolder, name, profile);
    return undefined;
  },
};
