import { usage } from "../../failure.js";
import { workspacePath } from "../../ids.js";
import { nameOption, tagOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { tagsOf } from "./tags.js";

export const update: Verb = {
  name: "update",
  description: "Change the tags of a workspace",
  details: "Those that are not named stay as they are, unless --replace is given",
  example: "stoker workspace update -n lab --tag team=vision --remove-tag owner",
  argument: "[name]",
  options: [
    nameOption("workspace"),
    tagOption,
    { flags: "--remove-tag <key>", description: "label that goes; may be repeated", repeatable: true },
    { flags: "--replace", description: "all other tags go; without --tag every one" },
  ],
  async run(call) {
    const id = workspacePath(call.name("workspace"));
    const tags = tagsOf(call);
    const removedTags = call.texts("removeTag");
    const replaces = call.flag("replace");
    if (!replaces && removedTags.length === 0 && Object.keys(tags).length === 0) {
      throw usage("nothing to change: give --tag, --remove-tag or --replace");
    }
    if (replaces && removedTags.length > 0) throw usage("--remove-tag: with --replace all other tags go");
    const session = await call.session();
    const { workspace } = await session.workspaces.updateWorkspace(
      { id, tags, removedTags, keepOthers: !replaces },
      session.limits,
    );
    await session.show("workspace", workspace);
    return undefined;
  },
};
