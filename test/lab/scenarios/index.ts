import type { Scenario } from "../stage.js";
import { machines } from "./machines.js";

/** In the order in which they are played. */
export const scenarios: Scenario[] = [machines];
