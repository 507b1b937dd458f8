/** Put in by the build, from package.json. */
declare const STOKER_VERSION: string | undefined;

/** What `--version` says; sources that run without a build have none. */
export const version = typeof STOKER_VERSION === "string" ? STOKER_VERSION : "0.0.0-source";
