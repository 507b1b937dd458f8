import { checkedName } from "../../ids.js";
import { idempotencyOption, nameOption, tagOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { tagsOf } from "./tags.js";

export const create: Verb = {
  name: "create",
  description: "Create a workspace",
  example: "stoker workspace create -n lab",
  argument: "[name]",
  options: [
    nameOption("workspace"),
    { flags: "-l, --location <place>", description: "kept as given" },
    tagOption,
    idempotencyOption,
  ],
  async run(call) {
    const name = checkedName(call.name("workspace"), "workspace");
    const tags = tagsOf(call);
    const location = call.text("location") ?? "";
    const session = await call.session();
    const { workspace } = await session.create(call.text("idempotencyKey"), (idempotencyKey) =>
      session.workspaces.createWorkspace({ name, location, tags, idempotencyKey }, session.limits),
    );
    await session.summary("workspace", workspace);
    return undefined;
  },
};
