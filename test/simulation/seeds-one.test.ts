import { test } from "vitest";
import { playSeeds } from "./seeds.js";

// Two files, so that they are played on two cores.
test("the laws hold under faults: seeds 1 to 1000", () => playSeeds(1, 1000), 600_000);
