import { request } from "node:https";

/** `fetch` of something that is served with a certificate of this authority. */
export function fetchTrusting(
  url: string,
  authority: string,
  { headers = {}, method = "GET" }: { headers?: Record<string, string>; method?: string } = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const call = request(url, { ca: authority, headers, method, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (bytes: Buffer) => chunks.push(bytes));
      answer.on("error", reject);
      answer.on("end", () => {
        const status = answer.statusCode ?? 0;
        const body = [204, 304].includes(status) ? null : Buffer.concat(chunks);
        const pairs = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)]);
        resolve(new Response(body, { status, headers: pairs }));
      });
    });
    call.on("error", reject);
    call.end();
  });
}
