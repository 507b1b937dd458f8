/**
 * `$NAME` and `${NAME}` become the variable's value, or nothing when there is none; everything else stays as it is written. This is not a
 * shell: no quotes, escapes, defaults or commands, so a value never turns into something that runs.
 */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})/g,
    (_, plain: string | undefined, braced: string | undefined) => {
      const name = plain ?? braced ?? "";
      return Object.hasOwn(variables, name) ? (variables[name] ?? "") : "";
    },
  );
}

/** Expands each variable with those before it; a later one of the same name replaces the earlier. */
export function expandInOrder(
  before: Readonly<Record<string, string>>,
  variables: ReadonlyArray<{ name: string; value: string }>,
): Record<string, string> {
  const known: Record<string, string> = { ...before };
  for (const { name, value } of variables) known[name] = expand(value, known);
  return known;
}
