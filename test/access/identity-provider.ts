import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";

const deviceCode = "urn:ietf:params:oauth:grant-type:device_code";

interface Person {
  name: string;
  groups: string[];
}

/** A real provider of OpenID Connect on this machine, with the device flow, and a person's browser to go with it. */
export class TestProvider {
  private constructor(
    private readonly server: Server,
    readonly issuer: string,
  ) {}

  static async start(people: Record<string, Person>): Promise<TestProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = {
      ...{ token_endpoint_auth_method: "none" as const, grant_types: [deviceCode] },
      ...{ redirect_uris: [], response_types: [] },
    };
    const provider = new Provider(issuer, {
      clients: [
        { client_id: "stoker", ...client },
        { client_id: "another", ...client },
      ],
      features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
      claims: { openid: ["sub"], profile: ["name", "preferred_username", "groups"] },
      conformIdTokenClaims: false,
      cookies: { keys: ["of this test"] },
      findAccount: (_, sub) => ({
        accountId: sub,
        claims: () => ({ sub, preferred_username: sub, name: people[sub]?.name, groups: people[sub]?.groups ?? [] }),
      }),
    });
    server.on("request", provider.callback());
    return new TestProvider(server, issuer);
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Goes where the link leads, signs in, and says yes to everything. */
export async function browse(link: string, login: string): Promise<string> {
  const cookies = new Map<string, string>();
  let url = new URL(link);
  let form: URLSearchParams | undefined;
  for (let steps = 0; steps < 20; steps += 1) {
    const answer = await fetch(url, {
      redirect: "manual",
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form ? { method: "POST", body: form } : {}),
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === "") cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = answer.headers.get("location");
    if (location) {
      url = new URL(location, url);
      form = undefined;
      continue;
    }
    const page = await answer.text();
    const found = formIn(page, login);
    if (!found) return page;
    url = new URL(found.action, url);
    form = found.fields;
  }
  throw new Error("the provider goes round in circles");
}

function formIn(page: string, login: string): { action: string; fields: URLSearchParams } | undefined {
  const [, action, body = ""] = /<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(page) ?? [];
  if (action === undefined) return undefined;
  const fields = new URLSearchParams();
  for (const [input] of body.matchAll(/<(?:input|button)[^>]*>/g)) {
    const attribute = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(input)?.[1];
    const name = attribute("name");
    if (name === undefined || name === "abort") continue;
    fields.set(name, name === "login" || name === "password" ? login : (attribute("value") ?? ""));
  }
  return { action, fields };
}
