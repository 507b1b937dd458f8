import type { Call } from "../../call.js";
import { usage } from "../../failure.js";
import { checkedName, isId, leafOf, workspaceOf } from "../../ids.js";
import { nameOption, workspaceOption } from "../../options.js";
import type { OptionSpec } from "../../verb.js";

export const scopeOptions: readonly OptionSpec[] = [
  workspaceOption,
  { flags: "--lab", description: "the whole lab, in place of a workspace" },
];

export const subscriptionOptions: readonly OptionSpec[] = [nameOption("subscription"), ...scopeOptions];

/** The workspace's id, or "" for the whole lab. */
export async function scopeOf(call: Call): Promise<string> {
  if (!call.flag("lab")) {
    const { workspace } = await call.settings();
    if (workspace !== undefined) return call.workspace();
    throw usage("which workspace? give it with -w, STOKER_WORKSPACE or a profile; --lab is for the whole lab");
  }
  if (call.text("workspace") !== undefined) throw usage("--lab and -w exclude one another");
  return "";
}

/** A whole id says itself where it belongs. */
export async function subscriptionOf(call: Call): Promise<{ id: string; workspaceId: string }> {
  const name = call.name("subscription");
  if (isId(name) || name.startsWith("subscriptions/")) {
    const workspace = workspaceOf(name);
    return { id: leafOf(name), workspaceId: workspace === "" ? "" : `workspaces/${workspace}` };
  }
  return { id: checkedName(name, "subscription"), workspaceId: await scopeOf(call) };
}
