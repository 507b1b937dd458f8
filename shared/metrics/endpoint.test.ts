import { pino } from "pino";
import { afterEach, expect, it } from "vitest";
import { MetricsEndpoint } from "./endpoint.js";

const log = pino({ level: "silent" });
const open: MetricsEndpoint[] = [];

afterEach(() => {
  for (const endpoint of open.splice(0)) endpoint.close();
});

async function listening(scrape: () => Promise<string>, address = "127.0.0.1:0"): Promise<MetricsEndpoint> {
  const endpoint = new MetricsEndpoint(address, scrape, log);
  open.push(endpoint);
  await endpoint.listen();
  return endpoint;
}

it("collects once for all that ask together", async () => {
  let scrapes = 0;
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { address } = await listening(async () => {
    scrapes += 1;
    await held;
    return "x 1\n";
  });
  const asked = Promise.all([1, 2, 3].map(async () => (await fetch(`http://${address}/metrics`)).text()));
  setTimeout(release, 100);
  expect(await asked).toEqual(["x 1\n", "x 1\n", "x 1\n"]);
  expect(scrapes).toBeLessThanOrEqual(3);
  const { headers } = await fetch(`http://${address}/metrics?from=here`);
  expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
});

it("a scrape that fails is answered, and the next one is another", async () => {
  let broken = true;
  const { address } = await listening(async () => {
    if (broken) throw new Error("secret words");
    return "x 1\n";
  });
  const failed = await fetch(`http://${address}/metrics`);
  expect([failed.status, await failed.text()]).toEqual([500, "the metrics could not be collected; the log says why\n"]);
  broken = false;
  expect((await fetch(`http://${address}/metrics`)).status).toBe(200);
});

it("a port that is taken keeps nobody from starting", async () => {
  const first = await listening(async () => "");
  const second = await listening(async () => "", first.address);
  expect(second.address).toBeUndefined();
});

it.each(["", "9741", ":9741", "host", "host:70000", "host:x"])("%j is no address", (address) => {
  expect(() => new MetricsEndpoint(address, async () => "", log)).toThrow("is not HOST:PORT, such as 0.0.0.0:9741");
});
