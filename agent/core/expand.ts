import { Fault } from "../../shared/fault.js";

/** No process can be given a longer text: Linux's MAX_ARG_STRLEN. */
const longest = 128 * 1024;

/**
 * `$NAME` and `${NAME}` become the variable's value, or nothing when there is none; everything else stays as it is written. This is not a
 * shell: no quotes, escapes, defaults or commands, so a value never turns into something that runs. Throws a Fault when the text becomes
 * longer than any process takes: a few variables that hold one another several times could otherwise fill the memory.
 */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  let length = text.length;
  return text.replace(
    /\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})/g,
    (written, plain: string | undefined, braced: string | undefined) => {
      const name = plain ?? braced ?? "";
      const value = Object.hasOwn(variables, name) ? (variables[name] ?? "") : "";
      length += value.length - written.length;
      if (length > longest) {
        const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text;
        throw new Fault("invalid-argument", `"${shown}" becomes longer than ${longest} characters when it is expanded`);
      }
      return value;
    },
  );
}

/** Expands each variable with those before it; a later one of the same name replaces the earlier. */
export function expandInOrder(
  before: Readonly<Record<string, string>>,
  variables: ReadonlyArray<{ name: string; value: string }>,
): Record<string, string> {
  // Of an object without a prototype every name is its own, `__proto__` as well.
  const known: Record<string, string> = Object.assign(Object.create(null), before);
  for (const { name, value } of variables) known[name] = expand(value, known);
  return known;
}
