import type { Noun } from "../../verb.js";
import { remove } from "./delete.js";
import { kinds } from "./kinds.js";
import { list } from "./list.js";
import { show } from "./show.js";
import { subscribe } from "./subscribe.js";
import { subscriptions } from "./subscriptions.js";
import { test } from "./test.js";

export const event: Noun = {
  name: "event",
  description: "What happens in the lab, and who is told of it by webhook or mail",
  verbs: [list, kinds, subscribe, subscriptions, show, test, remove],
};
