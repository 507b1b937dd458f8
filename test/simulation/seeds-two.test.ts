import { test } from "vitest";
import { playSeeds } from "./seeds.js";

test("the laws hold under faults: seeds 1001 to 2000", () => playSeeds(1001, 1000), 600_000);
