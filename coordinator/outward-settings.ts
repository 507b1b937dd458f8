import { choice, list, pairs, type Setting, text, whole } from "../shared/config.js";
import { admitDuration } from "./core/admission/quantities.js";

const mailSecurities = ["starttls", "tls", "none"] as const;

/** Settings of all that goes out to the world beside agents and users. */
export const outwardSettings = {
  webhookHosts: list({
    description:
      "hosts that webhooks may go to, such as hooks.slack.com,*.lab.example, wherever they are (default: any but this machine)",
    placeholder: "host,…",
  }),
  webhookProxy: text({ description: "HTTP proxy that webhooks go by: http://HOST:PORT", placeholder: "url" }),
  outwardCaFile: text({
    description:
      "PEM file of authorities that receivers of webhooks, mails and traces may be certified by, beside the usual",
    placeholder: "file",
  }),
  smtpHost: text({ description: "mail server that events are sent by (default: no mails)", placeholder: "host" }),
  smtpPort: whole({
    description: "its port; 0: 587 with starttls, 465 with tls, else 25",
    placeholder: "port",
    default: 0,
  }),
  smtpSecurity: choice(mailSecurities, {
    description: "how the way to it is protected: starttls, which it must offer, tls, or none",
    placeholder: "word",
    default: "starttls",
  }),
  smtpUser: text({ description: "name to sign in with", placeholder: "name", default: "" }),
  smtpPasswordFile: text({ description: "file that holds the password", placeholder: "file", default: "" }),
  smtpFrom: text({ description: "sender of mails, such as stoker@lab.example", placeholder: "address" }),
  otlpEndpoint: text({
    description: "receiver of OpenTelemetry traces, OTLP over HTTP: http://HOST:4318 (default: no traces)",
    placeholder: "url",
  }),
  otlpHeadersFile: text({
    description: "file of NAME: VALUE lines that go with traces and performance counters, such as authorization",
    placeholder: "file",
  }),
  counterSinks: pairs({
    description:
      "where the performance counters of clusters go that have an Application Insights component: its name, or * for any, to a receiver of OTLP; a map in the file",
    placeholder: "component=url,…",
  }),
  counterSeconds: whole({
    description: "time between two pushes of performance counters, in seconds",
    placeholder: "s",
    default: 60,
  }),
  eventGiveUp: {
    description: "an event that could not be delivered for so long is given up (default: P1D)",
    placeholder: "duration",
    parse: (value) => admitDuration("--event-give-up", value),
  } satisfies Setting<number | undefined>,
};
