import { unreachable } from "../../shared/assert.js";
import type { Announcement } from "../core/announcements/announcement.js";
import { severityOf } from "../core/announcements/kinds.js";
import type { WebhookTarget } from "../core/announcements/subscription.js";
import { filled } from "../core/announcements/template.js";

export interface Body {
  readonly contentType: string;
  readonly text: string;
}

/** What templates may name. */
export function fieldsOf(event: Announcement, missed: number): Record<string, string | number> {
  const { id, kind, subject, message } = event;
  const time = new Date(event.at).toISOString();
  return { ...event.data, id, kind, severity: severityOf(kind), time, subject, message, missed };
}

/** `lab`: names this coordinator to a receiver that hears of several. */
export function bodyOf(target: WebhookTarget, event: Announcement, lab: string, missed: number): Body {
  const fields = fieldsOf(event, missed);
  const json = (contentType: string, value: unknown): Body => ({ contentType, text: JSON.stringify(value) });
  switch (target.format) {
    case "cloudevents":
      return json("application/cloudevents+json; charset=utf-8", {
        ...{ specversion: "1.0", id: event.id, source: lab, type: `stoker.${event.kind}`, subject: event.subject },
        ...{ time: fields.time, datacontenttype: "application/json", severity: fields.severity },
        data: { message: event.message, ...event.data, ...(missed > 0 ? { missed } : {}) },
      });
    case "json":
      return json("application/json", { ...fields, source: lab });
    case "slack":
      return json("application/json", { text: sentence(event, missed, slackSigns) });
    case "teams":
      return json("application/json", teamsCard(event, missed));
    case "template":
      return fromTemplate(target.template ?? "", fields);
    default:
      return unreachable(target.format);
  }
}

const slackSigns = { info: ":information_source:", warning: ":warning:", error: ":rotating_light:" };

function sentence(event: Announcement, missed: number, signs: typeof slackSigns): string {
  // Slack's own three characters.
  const escaped = event.message.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const told = missed > 0 ? ` (${missed} earlier events could not be delivered)` : "";
  return `${signs[severityOf(event.kind)]} ${escaped}${told}`;
}

/** As Teams' workflows take it. */
function teamsCard(event: Announcement, missed: number) {
  const color = { info: "default", warning: "warning", error: "attention" }[severityOf(event.kind)];
  const facts = Object.entries({ ...event.data, ...(missed > 0 ? { missed } : {}) })
    .filter(([, value]) => String(value) !== "")
    .map(([title, value]) => ({ title, value: String(value) }));
  const content = {
    ...{ $schema: "http://adaptivecards.io/schemas/adaptive-card.json", type: "AdaptiveCard", version: "1.4" },
    body: [
      { type: "TextBlock", text: event.message, wrap: true, weight: "bolder", color },
      { type: "FactSet", facts },
    ],
  };
  return { type: "message", attachments: [{ contentType: "application/vnd.microsoft.card.adaptive", content }] };
}

/** In JSON, fields are filled in within its texts, so that no value can end a text or begin a field. */
function fromTemplate(template: string, fields: Record<string, string | number>): Body {
  const parsed = parsedJson(template);
  if (parsed === undefined) return { contentType: "text/plain; charset=utf-8", text: filled(template, fields) };
  return { contentType: "application/json", text: JSON.stringify(fill(parsed, fields)) };
}

function parsedJson(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function fill(value: unknown, fields: Record<string, string | number>): unknown {
  if (typeof value === "string") return filled(value, fields);
  if (Array.isArray(value)) return value.map((item) => fill(item, fields));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fill(item, fields)]));
}
