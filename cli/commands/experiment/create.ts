import { checkedName } from "../../ids.js";
import { idempotencyOption, nameOption, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const create: Verb = {
  name: "create",
  description: "Create an experiment, which groups jobs",
  example: "stoker experiment create -w lab -n first",
  argument: "[name]",
  options: [nameOption("experiment"), workspaceOption, idempotencyOption],
  async run(call) {
    const name = checkedName(call.name("experiment"), "experiment");
    const parent = await call.workspace();
    const session = await call.session();
    const { experiment } = await session.create(call.text("idempotencyKey"), (idempotencyKey) =>
      session.experiments.createExperiment({ parent, name, idempotencyKey }, session.limits),
    );
    await session.summary("experiment", experiment);
    return undefined;
  },
};
