import { usage } from "../../failure.js";
import { checkedName } from "../../ids.js";
import { idempotencyOption, nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const create: Verb = {
  name: "create",
  description: "Create a workspace",
  example: "stoker workspace create -n lab",
  argument: "[name]",
  options: [
    nameOption("workspace"),
    { flags: "-l, --location <place>", description: "kept as given" },
    { flags: "--tag <key=value>", description: "label; may be repeated", repeatable: true },
    idempotencyOption,
  ],
  async run(call) {
    const name = checkedName(call.name("workspace"), "workspace");
    const tags = Object.fromEntries(call.texts("tag").map(pair));
    const location = call.text("location") ?? "";
    const session = await call.session();
    const { workspace } = await session.create(call.text("idempotencyKey"), (idempotencyKey) =>
      session.workspaces.createWorkspace({ name, location, tags, idempotencyKey }, session.limits),
    );
    await session.summary("workspace", workspace);
    return undefined;
  },
};

function pair(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw usage(`--tag: expected key=value, found "${text}"`);
  return [text.slice(0, at), text.slice(at + 1)];
}
