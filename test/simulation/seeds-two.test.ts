import { test } from "vitest";
import { playSeeds } from "./seeds.js";

test("the laws hold under faults: seeds 1201 to 2400", () => playSeeds(1201, 1200), 600_000);
