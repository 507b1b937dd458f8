import { pagingOptions } from "../../options.js";
import type { Verb } from "../../verb.js";
import { pages } from "../lists.js";

export const list: Verb = {
  name: "list",
  description: "List what stands in for Azure shares and containers",
  example: "stoker storage list",
  options: [...pagingOptions],
  async run(call) {
    const session = await call.session();
    const mappings = await pages(call, async (page) => {
      const answer = await session.storage.listStorageMappings({ ...page }, session.limits);
      return { items: answer.mappings, next: answer.nextPageToken };
    });
    await session.list("storageMapping", mappings);
    return undefined;
  },
};
