import { resolve } from "node:path";
import { usage } from "../../failure.js";
import { clusterOption, experimentOption, workspaceOption } from "../../options.js";
import { profilesPath, readProfiles, writeProfiles } from "../../profiles.js";
import { addressOf, credentialKeys, type Profile } from "../../settings.js";
import type { Verb } from "../../verb.js";

export const set: Verb = {
  name: "set",
  description: "Make or change a profile; the first one made is in use at once. An empty value takes a setting away",
  example: "stoker profile set lab --coordinator head.lab:7741 --token-file ~/lab.token -w vision -e first -c gpus",
  argument: "<name>",
  local: true,
  options: [
    { flags: "--coordinator <host:port>", description: "where the coordinator is" },
    { flags: "--token-file <file>", description: "file with its token" },
    { flags: "--certificate-file <file>", description: "certificate to show in place of a token" },
    { flags: "--key-file <file>", description: "its key, unless that is in the same file" },
    { flags: "--authority-file <file>", description: "file with the certificate of its authority" },
    { flags: "--token-stdin", description: "read the token from stdin and keep it in the profile" },
    workspaceOption,
    experimentOption,
    clusterOption,
    { flags: "-o, --output <format>", description: "table or json", choices: ["table", "json"] },
    { flags: "--storage-account-name <name>", description: "for <AZURE_BATCHAI_STORAGE_ACCOUNT> in bodies" },
    { flags: "--storage-account-key <key>", description: "for <AZURE_BATCHAI_STORAGE_KEY> in bodies" },
  ],
  async run(call) {
    const name = call.words[0] ?? "";
    if (!/^[-\w.]{1,64}$/.test(name)) throw usage(`"${name}" is no name for a profile: letters, digits, -, _ and .`);
    const { configFolder } = call.world;
    const all = await readProfiles(configFolder);
    const profile: Profile = { ...all.profiles[name] };
    const put = (key: keyof Profile, value: string | undefined) => {
      if (value === "") delete profile[key];
      else if (value !== undefined) profile[key] = value;
    };
    const address = call.text("coordinator");
    put("coordinator", address ? addressOf(address) : address);
    const files = ["tokenFile", "certificateFile", "keyFile", "authorityFile"] as const;
    const shows = call.flag("tokenStdin") || files.slice(0, 2).some((key) => call.text(key));
    // What it shows from now on, it shows in place of what it had.
    if (shows) for (const key of credentialKeys) delete profile[key];
    for (const key of files) {
      const file = call.text(key);
      put(key, file ? resolve(file) : file);
    }
    if (call.flag("tokenStdin")) put("token", (await call.world.readStdin()).trim());
    for (const key of ["workspace", "experiment", "cluster", "output"] as const) put(key, call.text(key));
    put("storageAccount", call.text("storageAccountName"));
    put("storageKey", call.text("storageAccountKey"));
    const current = all.current ?? name;
    await writeProfiles(configFolder, { current, profiles: { ...all.profiles, [name]: profile } });
    await call.notice(`${profilesPath(configFolder)}: profile ${name} is set${current === name ? " and in use" : ""}`);
    return undefined;
  },
};
