import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openMpiFiles, openMpiPrograms } from "../fakes/open-mpi.js";
import { PodmanMachine } from "../fakes/podman-machine.js";
import { type Expected, expected } from "./expected.js";
import { Ground, recipesFolder } from "./ground.js";
import { putScripts } from "./scripts.js";
import { callsIn, inVariables, names, recorder } from "./stand-ins.js";

/**
 * The published bodies byte for byte, images and all: podman has a local image under each of their names, with stand-ins for what they ran.
 * Those write into the job's own std directory, which its containers have at the machine's path.
 */
const base = "localhost/stoker-recipes:1";

/** In a container: there is nobody's ~/.bashrc, no Python, and no GPU, so that the user's own mpirun has one slot a node. */
function inContainer(recipe: string, wanted: Expected): string[] {
  return recipe.startsWith("Horovod-custom") ? wanted.calls.slice(0, 2) : wanted.calls;
}

const bodies = Object.entries(expected).filter(([recipe]) => containerOf(recipe) !== undefined);
const nameOf = (recipe: string) => recipe.replace(/[^-\w]/g, "_");

function containerOf(recipe: string): string | undefined {
  const { properties } = JSON.parse(readFileSync(join(recipesFolder, recipe), "utf8")) as {
    properties: { containerSettings?: { imageSourceRegistry: { image: string } } };
  };
  return properties.containerSettings?.imageSourceRegistry.image;
}

/** As docker names what has no registry before it. */
function fullName(image: string): string {
  const path = image.includes("/") ? image : `library/${image}`;
  return `docker.io/${path}${path.includes(":") ? "" : ":latest"}`;
}

let folder: string;
let podman: PodmanMachine;
let ground: Ground;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stoker-recipes-podman-"));
  podman = new PodmanMachine(join(folder, "podman"));
  podman.makeImage(base, [...openMpiPrograms, "tee", "mktemp", "mv", "dirname", "readlink", "id"], openMpiFiles);
  const context = join(folder, "image");
  mkdirSync(join(context, "programs"), { recursive: true });
  for (const name of names) {
    writeFileSync(join(context, "programs", name), recorder('"${AZ_BATCHAI_STDOUTERR_DIR%/*}"'));
    chmodSync(join(context, "programs", name), 0o755);
  }
  writeFileSync(join(context, "Containerfile"), `FROM ${base}\nCOPY programs/ /usr/local/bin/\n`);
  const images = [...new Set(bodies.map(([recipe]) => fullName(containerOf(recipe) ?? "")))];
  const built = podman.run("build", "--pull=never", ...images.flatMap((image) => ["--tag", image]), context);
  expect(built.stderr).not.toMatch(/Error/);
  ground = await Ground.make(["m1", "m2"], podman);
  putScripts(ground);
  // Both machines are in this one cluster, which lacks the volume `azfiles` of another: a prefix there is each node's own.
  for (const [recipe] of bodies) await ground.submit(nameOf(recipe), join(recipesFolder, recipe), "nc6");
}, 180_000);

afterAll(async () => {
  await ground?.stop();
  podman?.remove();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

test("every body has an image", () => {
  expect(bodies).toHaveLength(Object.keys(expected).length);
});

test.each(bodies)(
  "%s",
  async (recipe, wanted) => {
    const name = nameOf(recipe);
    const { code, stderr } = await ground.wait(name);
    const told = code === 0 ? "" : await ground.stoker("job", "logs", ...ground.jobs, "-n", name);
    expect({ code, stderr, told }).toEqual({ code: 0, stderr: "", told: "" });
    const { jobOutputDirectoryPathSegment } = await ground.show(name);
    const output = join(ground.share(wanted.logs), jobOutputDirectoryPathSegment);
    const calls = existsSync(output) ? callsIn(output) : [];
    const own = calls.filter(({ program }) => !["apt", "pip"].includes(program));
    const onMachines = (text: string) =>
      text.replaceAll(/127\.0\.0\.1:\d+/g, "HOST").replaceAll(/127\.0\.0\.\d+:\d+/g, "HOST");
    expect(own.map((call) => onMachines(inVariables(call, calls))).sort()).toEqual(
      inContainer(recipe, wanted).map(onMachines).sort(),
    );
    for (const { environment } of calls) expect(environment.HOME).toBe("/root");
  },
  120_000,
);
