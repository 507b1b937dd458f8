import { test } from "vitest";
import { playSeeds } from "./seeds.js";

test("the laws hold under faults: seeds 1501 to 3000", () => playSeeds(1501, 1500), 600_000);
