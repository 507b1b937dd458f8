import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test as plain } from "vitest";
import { mountsUnder } from "../../agent/mounts/mountinfo.js";
import { LocalSite } from "../../scripts/site/local-site.js";
import { until } from "../../scripts/site/processes.js";
import { fetchTrusting } from "../fakes/fetch-trusting.js";

/** Volumes of these tests are bind mounts: needs root, and a kernel that lets it. */
const canMount = (() => {
  const dir = mkdtempSync(join(tmpdir(), "can-mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", dir], { stdio: "ignore" });
    execFileSync("umount", [dir]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(dir, { recursive: true });
  }
})();
const test = plain.skipIf(!canMount);

let folder: string;
let site: LocalSite;
const place = ["-w", "lab", "-e", "first"];
interface Listed {
  name: string;
  fileType: string;
  downloadUrl?: string;
  properties: { contentLength: number };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stoker-files-"));
  for (const name of ["share", "other"]) mkdirSync(join(folder, name));
  site = await LocalSite.start({ folder, nodes: ["n1", "n2"], agentFlags: ["--cpus", "4"] });
  await site.stoker(["workspace", "create", "-n", "lab"]);
  const volumes = {
    unmanagedFileSystems: [{ mountCommand: `mount --bind ${folder}/share`, relativeMountPath: "share" }],
  };
  const cluster = {
    vmSize: "any",
    scaleSettings: { manual: { targetNodeCount: 2 } },
    nodeSetup: { mountVolumes: volumes },
  };
  writeFileSync(
    join(folder, "cluster.json"),
    JSON.stringify(canMount ? cluster : { ...cluster, nodeSetup: undefined }),
  );
  await site.stoker(["cluster", "create", "-w", "lab", "-n", "all", "-f", join(folder, "cluster.json")]);
  await site.stoker(["experiment", "create", "-w", "lab", "-n", "first"]);
}, 60_000);

afterAll(async () => {
  await site.stop();
  for (const { path } of mountsUnder(folder)) execFileSync("umount", ["-l", path]);
  rmSync(folder, { recursive: true, force: true });
});

async function submit(name: string, spec: object): Promise<void> {
  const body = join(folder, `${name}.json`);
  writeFileSync(body, JSON.stringify({ nodeCount: 1, resources: { cpus: 1 }, ...spec }));
  await site.stoker(["job", "create", "-n", name, ...place, "-c", "all", "-f", body]);
}

const finished = (name: string) => site.stoker(["job", "wait", "-n", name, ...place]);
const list = async (name: string, ...more: string[]) =>
  JSON.parse(await site.stoker(["job", "file", "list", "-j", name, ...place, ...more, "-o", "json"])) as Listed[];
const names = (files: Listed[]) => files.map((file) => file.name);

test("a running job's file on a mounted directory is followed to the job's end, and read afterwards from any node", async () => {
  const go = join(folder, "go");
  const commandLine = `echo first line; while [ ! -e ${go} ]; do sleep 0.1; done; seq 20000; echo last line`;
  await submit("live", { stdOutErrPathPrefix: "$AZ_BATCHAI_MOUNT_ROOT/share", customToolkitSettings: { commandLine } });
  const stream = site.run(["job", "file", "stream", "-j", "live", ...place, "-f", "stdout.txt"]);
  const running = await until(
    "the first line is in the file",
    async () => {
      const { code, stdout } = await site.run(["job", "file", "list", "-j", "live", ...place]);
      return code === 0 && /stdout\.txt +file +11 /.test(stdout) ? stdout : undefined;
    },
    30_000,
    200,
  );
  expect(running).toMatch(/^Name +Type +Size +Modified\n/);
  writeFileSync(go, "");
  const numbers = Array.from({ length: 20_000 }, (_, at) => `${at + 1}\n`).join("");
  expect(await stream).toEqual({ code: 0, stdout: `first line\n${numbers}last line\n`, stderr: "" });

  const [ran = ""] =
    (await site.stoker(["job", "node", "list", "-j", "live", ...place])).trim().split("\n").slice(-1)[0]?.split(" ") ??
    [];
  await site.stopAgent(ran);
  const to = join(folder, "copied.txt");
  await until(
    "another node has read it",
    async () => {
      const { code } = await site.run(["job", "file", "get", "-j", "live", ...place, "stdout.txt", "--to", to]);
      return code === 0 || undefined;
    },
    30_000,
    300,
  );
  expect(readFileSync(to, "utf8")).toBe(`first line\n${numbers}last line\n`);
  site.startAgent(ran);
}, 90_000);

test("a job's own volume is mounted for whoever reads it after the job, and its outputs come whole", async () => {
  const commandLine = [
    "cd $AZ_BATCHAI_OUTPUT_MODEL && mkdir -p deep/er && head -c 5000000 /dev/urandom > weights && sha256sum weights > sums",
    'echo x > deep/er/file; touch deep/.hidden "deep/two\nlines"; ln -s /etc/passwd bad; ln -s weights latest',
  ].join("\n");
  const volumes = {
    unmanagedFileSystems: [{ mountCommand: `mount --bind ${folder}/other`, relativeMountPath: "mine" }],
  };
  await submit("own", {
    mountVolumes: volumes,
    stdOutErrPathPrefix: "$AZ_BATCHAI_JOB_MOUNT_ROOT/mine",
    outputDirectories: [{ id: "MODEL", pathPrefix: "$AZ_BATCHAI_JOB_MOUNT_ROOT/mine", pathSuffix: "model" }],
    customToolkitSettings: { commandLine },
  });
  await finished("own");
  const all = await list("own", "-d", "MODEL");
  expect(all.map(({ name, fileType }) => `${name} ${fileType}`)).toEqual([
    "bad other",
    "deep directory",
    "latest file",
    "sums file",
    "weights file",
  ]);
  expect(names(await list("own", "-d", "MODEL", "-p", "deep"))).toEqual([".hidden", "er", "two\nlines"]);

  const to = join(folder, "model");
  // What an earlier try left of one file is gone on with only if it is of the same contents.
  mkdirSync(to);
  writeFileSync(join(to, ".weights.0123456789ab.part"), "not these");
  expect(
    await site.run(["job", "file", "get", "-j", "own", ...place, "-d", "MODEL", "-r", ".", "--to", to]),
  ).toMatchObject({ code: 0 });
  execFileSync("sha256sum", ["--check", "--quiet", "sums"], { cwd: to });
  expect(readFileSync(join(to, "latest")).equals(readFileSync(join(to, "weights")))).toBe(true);
  expect(readFileSync(join(to, "deep/er/file"), "utf8")).toBe("x\n");
  expect(existsSync(join(to, "deep/two\nlines"))).toBe(true);
  expect(existsSync(join(to, "bad"))).toBe(false);
  expect(existsSync(join(to, ".weights.0123456789ab.part"))).toBe(false);

  const refused = await site.run(["job", "file", "get", "-j", "own", ...place, "-d", "MODEL", "bad"]);
  expect(refused).toMatchObject({ code: 1, stderr: 'stoker: "bad": it leads out of the directory\n' });
  for (const path of ["../../../../../../etc/passwd", "/etc/passwd", "deep/../../../x"]) {
    expect((await site.run(["job", "file", "get", "-j", "own", ...place, "-d", "MODEL", path])).code).not.toBe(0);
  }
  const unknown = await site.run(["job", "file", "list", "-j", "own", ...place, "-d", "NOPE"]);
  expect(unknown).toMatchObject({
    code: 4,
    stderr: "stoker: the specified outputDirectoryId NOPE is not one of the job's, which are: stdouterr, MODEL\n",
  });
}, 60_000);

plain(
  "files on a node's own disk, and links to them: parts, heads, changes, and a restart of the coordinator",
  async () => {
    await submit("disk", {
      stdOutErrPathPrefix: join(folder, "out"),
      customToolkitSettings: { commandLine: "printf 0123456789" },
    });
    await finished("disk");
    const files = await list("disk");
    expect(names(files)).toEqual(["execution.log", "stderr.txt", "stdout.txt"]);
    const url = files.find(({ name }) => name === "stdout.txt")?.downloadUrl ?? "";
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/files\/[\w.-]+$/);
    const authority = readFileSync(join(site.coordinatorFolder, "pki", "ca.pem"), "utf8");
    const get = (headers: Record<string, string> = {}, method = "GET", to = url) =>
      fetchTrusting(to, authority, { headers, method });
    // Whoever has only the link gets the authority's certificate from the same place.
    expect(await (await get({}, "GET", url.replace(/files\/.*/, "ca.pem"))).text()).toBe(authority);

    const whole = await get();
    expect({ status: whole.status, text: await whole.text() }).toEqual({ status: 200, text: "0123456789" });
    expect(whole.headers.get("content-type")).toBe("application/octet-stream");
    expect(whole.headers.get("content-length")).toBe("10");
    const etag = whole.headers.get("etag") ?? "";
    const middle = await get({ range: "bytes=2-4" });
    expect({ status: middle.status, text: await middle.text() }).toEqual({ status: 206, text: "234" });
    expect(middle.headers.get("content-range")).toBe("bytes 2-4/10");
    expect(await (await get({ range: "bytes=-2" })).text()).toBe("89");
    expect(await (await get({ range: "bytes=2-4", "if-range": '"another"' })).text()).toBe("0123456789");
    expect((await get({ "if-none-match": etag })).status).toBe(304);
    const head = await get({}, "HEAD");
    expect({ status: head.status, length: head.headers.get("content-length") }).toEqual({ status: 200, length: "10" });
    const beyond = await get({ range: "bytes=10-" });
    expect({ status: beyond.status, range: beyond.headers.get("content-range") }).toEqual({
      status: 416,
      range: "bytes */10",
    });
    expect((await get({ range: "bytes=0-1,3-4" })).status).toBe(416);
    expect((await get({}, "POST")).status).toBe(405);
    const changed = url.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
    for (const bad of [changed, url.replace(/files\/.*/, "files/../../etc/passwd"), url.replace(/files\/.*/, "")]) {
      expect((await get({}, "GET", bad)).status).toBe(404);
    }
    expect((await site.run(["job", "file", "list", "-j", "disk", ...place, "--expiry", "4"])).code).toBe(2);

    await site.stopCoordinator("SIGKILL");
    await site.startCoordinator();
    const again = await until(
      "the link after a restart",
      async () => {
        const answer = await get();
        return answer.status === 200 ? answer.text() : undefined;
      },
      30_000,
      200,
    );
    expect(again).toBe("0123456789");
  },
  60_000,
);

plain("a job without a directory for its std files, or that never ran, says so", async () => {
  await submit("none", { customToolkitSettings: { commandLine: "true" } });
  await finished("none");
  const { code, stderr } = await site.run(["job", "file", "list", "-j", "none", ...place]);
  expect(code).toBe(1);
  expect(stderr).toContain("stoker job logs");
});
