const hub = "docker.io";
/** Docker Hub as its own files and Batch AI's users called it. */
const hubNames = new Set(["docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com"]);
/** By which docker knows the Hub's credentials. */
const hubKey = "https://index.docker.io/v1/";

/** `https://registry.example.org/v2/` → `registry.example.org` */
const hostOf = (serverUrl: string) => serverUrl.replace(/^https?:\/\//i, "").split("/")[0] ?? "";

/** With its registry: that of the name itself, else the one given beside it, else Docker Hub. */
export function fullName(image: string, serverUrl: string): string {
  const [first = ""] = image.split("/");
  if (image.includes("/") && (/[.:]/.test(first) || first === "localhost")) return image;
  const host = hostOf(serverUrl);
  if (host !== "" && !hubNames.has(host)) return `${host}/${image}`;
  return image.includes("/") ? `${hub}/${image}` : `${hub}/library/${image}`;
}

/** The text of docker's config.json for one registry, literal to the last letter. */
export function authFile(image: string, serverUrl: string, username: string, password: string): string {
  const auth = { auth: Buffer.from(`${username}:${password}`).toString("base64") };
  const hosts = [fullName(image, serverUrl).split("/")[0] ?? "", hostOf(serverUrl)].filter((host) => host !== "");
  const keys = hosts.flatMap((host) => (hubNames.has(host) ? [hub, hubKey] : [host]));
  return JSON.stringify({ auths: Object.fromEntries(keys.map((key) => [key, auth])) });
}
