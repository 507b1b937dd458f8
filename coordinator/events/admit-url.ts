import { Fault } from "../../shared/fault.js";
import { hostMatches, refuseOwnHost } from "./addresses.js";

const urlMax = 2_000;

/** Refuses at once what would never be delivered. What is no URL is the name of a secret, and is looked at when it is sent. */
export function admitUrl(text: string, local: boolean, hosts: readonly string[]): void {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^stoker:\/\//i.test(text)) return;
  const url = URL.canParse(text) && text.length <= urlMax ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw refused("is no http(s) URL");
  if (url.username !== "" || url.password !== "") {
    throw refused("has a user or password in it: sign with --secret, or keep the whole URL in a secret");
  }
  const named = hostMatches(hosts, url.hostname);
  if (hosts.length > 0 && !named) throw refused(`${url.hostname} is none of the hosts that --webhook-hosts names`);
  if (local || named) return;
  try {
    refuseOwnHost(url.hostname);
  } catch (error) {
    throw refused(error instanceof Error ? error.message : String(error));
  }
}

const refused = (message: string) => new Fault("invalid-argument", `webhook.url: ${message}`);
