import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Call } from "../../call.js";
import { usage } from "../../failure.js";
import { checkedName } from "../../ids.js";
import { experimentOption, jobOption, nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { kindsOf } from "./list.js";
import { scopeOf, scopeOptions } from "./scope.js";

export const subscribe: Verb = {
  name: "subscribe",
  description: "Be told of events by webhook or mail",
  details:
    "Each event comes at least once, those of one job or node in their order, with an id that stays the same when it comes again. `stoker event test` sends one now",
  example: "stoker event subscribe -w lab --mail ann@lab.example --kind job-failed,job-waiting",
  options: [
    nameOption("subscription (default: one made for it)"),
    ...scopeOptions,
    experimentOption,
    jobOption,
    { flags: "--mine", description: "only jobs that you have submitted" },
    { flags: "--kind <kind>", description: "these alone; may be repeated (default: all)", repeatable: true },
    {
      flags: "--webhook <url>",
      description: "POST to this; or the name of a secret that holds the URL, or stoker://WORKSPACE/NAME",
    },
    {
      flags: "--format <format>",
      description: "body of the webhook (default: cloudevents)",
      choices: ["cloudevents", "json", "slack", "teams"],
    },
    { flags: "--secret <name>", description: "secret that signs what is sent: header Stoker-Signature" },
    { flags: "--mail <address>", description: "mail to this; may be repeated", repeatable: true },
    {
      flags: "--template <file>",
      description: "body of the webhook, or `Subject: …`, an empty line and the text of the mail, with ${field} in it",
    },
  ],
  async run(call) {
    const name = checkedName(call.text("name") ?? call.words[0] ?? chosenName(call), "subscription");
    const workspaceId = await scopeOf(call);
    const target = targetOf(call);
    const scope = await limitsOf(call);
    const session = await call.session();
    const kinds = kindsOf(call.texts("kind"));
    const mine = call.flag("mine");
    const request = { name, workspaceId, kinds, mine, ...scope, target };
    const { subscription } = await session.events.createEventSubscription(request, session.limits);
    await session.summary("eventSubscription", subscription);
    return undefined;
  },
  argument: "[name]",
};

const chosenName = (call: Call) =>
  `${call.text("webhook") === undefined ? "mail" : "webhook"}-${randomBytes(3).toString("hex")}`;

/** A job of the experiment; or, named by the flag alone, the experiment. */
async function limitsOf(call: Call): Promise<{ experimentId?: string; jobId?: string }> {
  if (call.text("job") !== undefined) return { jobId: await call.ofJob() };
  return call.text("experiment") === undefined ? {} : { experimentId: await call.experiment() };
}

function targetOf(call: Call) {
  const url = call.text("webhook");
  const addresses = call.texts("mail");
  if ((url === undefined) === (addresses.length === 0)) throw usage("how? give either --webhook or --mail");
  const file = call.text("template");
  const template = file === undefined ? "" : readTemplate(file);
  if (url !== undefined) {
    const value = { url, format: call.text("format") ?? "", secret: call.text("secret") ?? "", template };
    return { case: "webhook" as const, value };
  }
  if (call.text("format") !== undefined) throw usage("--format is for webhooks; mails take --template");
  if (call.text("secret") !== undefined) throw usage("--secret is for webhooks: mails are not signed");
  return { case: "mail" as const, value: { addresses, template } };
}

function readTemplate(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw usage(`--template ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (text.trim() === "") throw usage(`--template ${file}: is empty`);
  return text;
}
