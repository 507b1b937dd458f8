import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Announcement } from "../core/announcements/announcement.js";
import { severityOf } from "../core/announcements/kinds.js";
import type { MailTarget } from "../core/announcements/subscription.js";
import { filled } from "../core/announcements/template.js";
import { fieldsOf } from "./body.js";
import { Undelivered } from "./undelivered.js";

export interface MailSettings {
  readonly host: string;
  readonly port: number;
  /** starttls: refused where the server has none. */
  readonly security: "starttls" | "tls" | "none";
  readonly user: string;
  readonly passwordFile: string;
  readonly from: string;
  readonly ca?: string;
}

export interface Letter {
  readonly subject: string;
  readonly text: string;
  /** The same for the same events. */
  readonly messageId: string;
}

const timeoutMs = 20_000;

/** One event by the template; several as a list. */
export function letterOf(target: MailTarget, events: readonly Announcement[], missed: number, lab: string): Letter {
  const [first] = events;
  const digest = createHash("sha256")
    .update(events.map(({ id }) => id).join("\n"))
    .digest("hex")
    .slice(0, 32);
  const messageId = `<${digest}@stoker.invalid>`;
  const told = missed > 0 ? `\n${missed} earlier events could not be delivered.\n` : "";
  if (events.length === 1 && first) {
    const [head = "", ...text] = (target.template ?? template).split("\n");
    const fields = fieldsOf(first, missed);
    // What a field says must not begin another header.
    const subject = oneLine(filled(head.replace(/^Subject: /, ""), fields));
    return { subject, text: filled(text.join("\n").replace(/^\n/, ""), fields) + told, messageId };
  }
  const worst = events.filter(({ kind }) => severityOf(kind) === "error").length;
  const subject = `[stoker] ${events.length} events${worst > 0 ? `, ${worst} of them errors` : ""}`;
  const lines = events.map((event) => `${new Date(event.at).toISOString()}  ${event.kind}\n    ${event.message}\n`);
  return { subject, text: `${lines.join("\n")}${told}\nfrom ${lab}\n`, messageId };
}

const template = `Subject: [stoker] \${message}

\${message}

\${subject}
\${kind} at \${time}
`;

const oneLine = (text: string) => text.replace(/\s+/g, " ").slice(0, 200);

/** Resolves with what the server said. nodemailer is loaded with the first mail. */
export async function sendMail(settings: MailSettings, addresses: readonly string[], letter: Letter): Promise<string> {
  const { createTransport } = (await import("nodemailer")).default;
  const { host, port, security, user, passwordFile, from, ca } = settings;
  try {
    const auth = user === "" ? {} : { auth: { user, pass: passwordOf(passwordFile) } };
    const transport = createTransport({
      ...{
        host,
        port,
        secure: security === "tls",
        requireTLS: security === "starttls",
        ignoreTLS: security === "none",
      },
      ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
      ...{ disableFileAccess: true, disableUrlAccess: true },
      ...(ca === undefined ? {} : { tls: { ca } }),
      ...auth,
    });
    const { response } = await transport.sendMail({
      ...{ from, to: [...addresses], subject: letter.subject, text: letter.text, messageId: letter.messageId },
      headers: { "Auto-Submitted": "auto-generated" },
    });
    return `${host} answered ${response}`;
  } catch (error) {
    throw new Undelivered(`mail by ${host}:${port}: ${error instanceof Error ? error.message : String(error)}`, 0, {
      cause: error,
    });
  }
}

function passwordOf(file: string): string {
  return file === "" ? "" : readFileSync(file, "utf8").replace(/\r?\n$/, "");
}
