import { pagingOptions, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { pages } from "../lists.js";

export const list: Verb = {
  name: "list",
  description: "List the secrets of a workspace, without their values",
  example: "stoker secret list -w lab",
  options: [workspaceOption, ...pagingOptions],
  async run(call) {
    const parent = await call.workspace();
    const session = await call.session();
    const secrets = await pages(call, async (page) => {
      const answer = await session.secrets.listSecrets({ parent, ...page }, session.limits);
      return { items: answer.secrets, next: answer.nextPageToken };
    });
    await session.list("secret", secrets);
    return undefined;
  },
};
