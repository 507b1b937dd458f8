import { pairs, type Setting, text, whole } from "../shared/config.js";
import { admitDuration } from "./core/admission/quantities.js";
import { defaultGuardOptions } from "./guards.js";

/** How people sign in, and what is kept of what they do. */
export const guardSettings = {
  oidcIssuer: text({
    description: "identity provider (OpenID Connect) that people may sign in with; empty: none",
    placeholder: "url",
    default: defaultGuardOptions.oidcIssuer,
  }),
  oidcClientId: text({
    description: "what this lab is called there: a public client that may use the device flow",
    placeholder: "id",
    default: defaultGuardOptions.oidcClientId,
  }),
  oidcScopes: text({
    description: "scopes to ask it for",
    placeholder: "scopes",
    default: defaultGuardOptions.oidcScopes,
  }),
  oidcUserClaim: text({
    description: "claim that becomes a user's name here",
    placeholder: "claim",
    default: defaultGuardOptions.oidcUserClaim,
  }),
  oidcGroupsClaim: text({
    description: "claim that lists a user's groups",
    placeholder: "claim",
    default: defaultGuardOptions.oidcGroupsClaim,
  }),
  oidcRoles: pairs({
    description: "what members of its groups may do: administrator, or ROLE@WORKSPACE; a map in the file",
    placeholder: "group=role,…",
  }),
  signInLife: {
    description: "how long what `stoker login` gets, a token or a certificate, is good (default: P30D)",
    placeholder: "duration",
    default: defaultGuardOptions.signInLife,
    parse: (value) => admitDuration("--sign-in-life", value),
  } satisfies Setting<number>,
  userCertificateLife: {
    description: "how long a user's certificate is good before it is renewed (default: P30D)",
    placeholder: "duration",
    default: defaultGuardOptions.userCertificateLife,
    parse: (value) => admitDuration("--user-certificate-life", value),
  } satisfies Setting<number>,
  auditRetention: {
    description: "how long entries of the audit log are kept (default: P365D)",
    placeholder: "duration",
    default: defaultGuardOptions.auditRetention,
    parse: (value) => admitDuration("--audit-retention", value),
  } satisfies Setting<number>,
  auditEntries: whole({
    description: "how many entries of the audit log are kept at most, some 200 bytes each",
    placeholder: "count",
    default: defaultGuardOptions.auditEntries,
  }),
};
