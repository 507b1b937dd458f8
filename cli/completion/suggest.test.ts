import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ListJobsResponseSchema } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { nouns, topVerbs } from "../commands/index.js";
import { connectionOptions } from "../options.js";
import { run } from "../program.js";
import { FakeCoordinator, makeJob } from "../testing/fake-coordinator.js";
import { FakeWorld } from "../testing/fake-world.js";
import { suggest } from "./suggest.js";

const at = (line: string) => {
  const words = line.split(" ").slice(1);
  return suggest({ nouns, topVerbs, connectionOptions }, words.slice(0, -1), words.at(-1) ?? "");
};
const wordsAt = (line: string) => at(line).words.map(({ word }) => word);

test("nouns, verbs, options and choices", () => {
  expect(wordsAt("stoker wor")).toEqual(["workspace"]);
  expect(wordsAt("stoker job sh")).toEqual(["show"]);
  expect(wordsAt("stoker workspace quota s")).toEqual(
    ["set", "show"].filter((word) => wordsAt("stoker workspace quota ").includes(word)),
  );
  expect(wordsAt("stoker node drain --rea")).toEqual(["--reason"]);
  expect(wordsAt("stoker job list -o j")).toEqual(["json", "jsonc"]);
  expect(wordsAt("stoker job list --output t")).toEqual(["table", "tsv"]);
  expect(wordsAt("stoker no-such-noun ")).toEqual([]);
});

test("what is hidden, of older spellings or for shells, is not offered", () => {
  expect(wordsAt("stoker ")).not.toContain("complete");
  expect(wordsAt("stoker job list --")).not.toContain("--page-size");
});

test("an option that wants a name says of what, and what was given before goes with it", () => {
  expect(at("stoker job show -w lab -e first -n ")).toMatchObject({
    namesOf: { name: "job" },
    given: { workspace: "lab", experiment: "first" },
  });
  expect(at("stoker job create --cluster ")).toMatchObject({ namesOf: { name: "cluster" } });
  expect(at("stoker node show ")).toMatchObject({ namesOf: { name: "node" } });
  expect(at("stoker node show --coordinator=head:7741 m")).toMatchObject({ given: { coordinator: "head:7741" } });
  expect(at("stoker job create -f ")).toMatchObject({ files: true });
});

test("names are those that the coordinator lists", async () => {
  await using coordinator = await FakeCoordinator.start({
    jobs: {
      listJobs: ({ parent }) => {
        expect(parent).toBe("workspaces/lab/experiments/second");
        const jobs = ["train", "trace", "other"].map((name) => makeJob({ id: `${parent}/jobs/${name}`, name }));
        return create(ListJobsResponseSchema, { jobs });
      },
    },
  });
  const world = coordinator.world();
  expect(await run(["complete", "--", "job", "show", "-e", "second", "-n", "tra"], world)).toBe(0);
  expect(world.stdout.split("\n").map((line) => line.split("\t")[0])).toEqual(["train", "trace", ""]);
});

test("no coordinator: nothing is offered, nothing is said, and that is no failure", async () => {
  const world = new FakeWorld();
  world.environment = { STOKER_COORDINATOR: "127.0.0.1:1", STOKER_WORKSPACE: "lab", STOKER_EXPERIMENT: "e" };
  expect(await run(["complete", "--", "job", "show", "-n", ""], world)).toBe(0);
  expect([world.stdout, world.stderr]).toEqual(["", ""]);
});
