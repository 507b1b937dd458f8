import { pagingOptions } from "../../options.js";
import type { Verb } from "../../verb.js";
import { pages } from "../lists.js";

export const list: Verb = {
  name: "list",
  description: "List the users",
  example: "stoker user list -o table",
  options: [...pagingOptions],
  async run(call) {
    const session = await call.session();
    const users = await pages(call, async (page) => {
      const answer = await session.users.listUsers(page, session.limits);
      return { items: answer.users, next: answer.nextPageToken };
    });
    await session.list("user", users);
    return undefined;
  },
};
