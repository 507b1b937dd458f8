import type { ChangeSecret } from "../core/secrets/fields.js";

/** Whether any field that is a secret has a value. */
export const hasSecrets =
  <S>(changeSecrets: (spec: S, change: ChangeSecret) => S) =>
  (spec: S): boolean => {
    let found = false;
    changeSecrets(spec, (value) => {
      found ||= value !== "";
      return value;
    });
    return found;
  };
